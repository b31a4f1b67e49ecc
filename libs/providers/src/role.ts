/** A role for the user that a source is reached by, with what migrations need and nothing else. */
export interface SourceRole {
  /** What the source is called by whoever runs it. */
  readonly source: string;
  /** What a role may be made for. */
  readonly kinds: readonly string[];
  /** What it is made for where nothing is asked for. */
  readonly usual: readonly string[];
  /** Whose language it may be in, the usual one first; `json` is one of them. */
  readonly formats: readonly [usual: string, ...others: string[]];
  /** Another kind of server, which asks for other privileges. */
  readonly variant?: { readonly option: string; readonly for: string };
  text(request: RoleRequest): string;
}

export interface RoleRequest {
  readonly name: string;
  /** Of `kinds`. */
  readonly kinds: readonly string[];
  /** Of `formats`. */
  readonly format: string;
  readonly isVariant: boolean;
}
