/** The smallest possible guest: the behaviour of a boot sector, which the BIOS runs. */
export interface TinyGuest {
  /** Printed on the first serial port. */
  readonly prints: string;
  /** Overwrites the disk's second sector first. */
  readonly disk: 'read-only' | 'written';
  readonly then: 'halts' | 'powers-off';
}

/** 16-bit x86 by hand: BIOS disk write (int 13h), serial output (port 3F8h), ACPI power-off of q35 (port 604h). */
export function bootSector({ prints, disk, then }: TinyGuest): Buffer {
  const write = [
    0xb8,
    0x01,
    0x03, // mov ax, 0301h: write one sector
    0xbb,
    0x00,
    0x7c, // mov bx, 7c00h: from here
    0xb9,
    0x02,
    0x00, // mov cx, 2: cylinder 0, sector 2
    0xb6,
    0x00, // mov dh, 0: head 0 (dl is the boot drive)
    0xcd,
    0x13, // int 13h
  ];
  const powerOff = [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef]; // mov dx, 604h; mov ax, 2000h; out dx, ax
  const start = [
    0xfa,
    0x31,
    0xc0,
    0x8e,
    0xd8,
    0x8e,
    0xc0, // cli; xor ax, ax; mov ds, ax; mov es, ax
    ...(disk === 'written' ? write : []),
  ];
  const loop = [
    0xac, // next: lodsb
    0x84,
    0xc0,
    0x74,
    0x11, // test al, al; jz end
    0x88,
    0xc3, // mov bl, al
    0xba,
    0xfd,
    0x03,
    0xec,
    0xa8,
    0x20,
    0x74,
    0xfb, // wait: mov dx, 3fdh; in al, dx; test al, 20h; jz wait+3
    0x88,
    0xd8,
    0xb2,
    0xf8,
    0xee,
    0xeb,
    0xea, // mov al, bl; mov dl, f8h; out dx, al; jmp next
  ];
  const end = [...(then === 'powers-off' ? powerOff : []), 0xf4, 0xeb, 0xfd]; // hlt; jmp $-1
  const code = [...start, 0xbe, 0, 0, ...loop, ...end]; // mov si, message
  const message = 0x7c00 + code.length;
  code.splice(start.length + 1, 2, message & 0xff, message >> 8);
  const sector = Buffer.alloc(512);
  Buffer.from([...code, ...Buffer.from(`${prints}\0`, 'latin1')]).copy(sector);
  sector.set([0x55, 0xaa], 510);
  return sector;
}
