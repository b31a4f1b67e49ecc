import tseslint from 'typescript-eslint';

// What the style guide forbids, as rules. Format is Prettier's business, unused names and types are tsc's.
const forbiddenSyntax = [
  { selector: 'TSEnumDeclaration', message: 'Use a union of literals.' },
  {
    selector:
      'CallExpression[callee.property.name=/^(only|skip|todo|failing)$/][callee.object.name=/^(it|test|describe)$/]',
    message: 'Every test runs. A missing tool is a failure.',
  },
];
const banned = (modules, message) => ({ paths: modules.map((name) => ({ name, message })) });

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', 'coverage/', '.nx/', 'docs/'] },
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts', '**/*.mjs', '**/*.cjs'],
    rules: {
      'no-restricted-syntax': ['error', ...forbiddenSyntax],
      'no-restricted-imports': [
        'error',
        banned(['assert', 'fs', 'path', 'crypto', 'child_process'], "Write 'node:…'."),
      ],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'for now'], location: 'anywhere' }],
      'max-lines': ['error', { max: 400 }],
      'prefer-const': 'error',
      'no-var': 'error',
      eqeqeq: ['error', 'always'],
    },
  },
  {
    files: ['{apps,libs,e2e}/**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/ban-ts-comment': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true, allowRethrowing: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-expressions': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
    },
  },
);
