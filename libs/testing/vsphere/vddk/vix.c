/* Stand-in for VMware's libvixDiskLib, loaded by the real nbdkit-vddk-plugin (libdir=this folder).
 * It logs in to the simulator over TLS, checks the thumbprint, resolves (vm, snapshot, file) to a
 * raw file by /_sim/resolve and reads that. Signatures follow VDDK's public API. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef uint64_t VixError;
enum { OK = 0, ASYNC = 25000, E_FAIL = 1, E_NOMEM = 2, E_FILE = 4, E_LOCKED = 13, E_LOGIN = 18001, E_CERT = 18002, E_CONN = 14009, E_NOVM = 4000 };
typedef void LogFn(const char *fmt, va_list);
typedef struct {
  char *vmxSpec, *serverName, *thumbPrint; long r1; int credType;
  union { struct { char *userName, *password; } uid; struct { char *cookie, *userName, *key; } sid; void *r2; } creds;
  uint32_t port, nfcHostPort; char *r3; char r4[8]; void *r5; struct { char *id, *ds, *ss; } spec; int specType;
} Params;
typedef struct { uint32_t bios[3], phys[3]; uint64_t capacity; int adapterType, numLinks; char *parent, *uuid; uint32_t logical, physical; } Info;
typedef struct { uint64_t offset, length; } Block;
typedef struct { uint32_t n; Block b[]; } BlockList;
typedef struct { Params p; char *snapshot, *modes, *error; } Conn;
typedef struct { int fd; uint64_t size; const char *mode; } Handle;

static __thread char last[1024];
static LogFn *logf_, *warnf_;
static void say(LogFn *f, const char *fmt, ...) { va_list a; va_start(a, fmt); if (f) f(fmt, a); va_end(a); }

VixError VixDiskLib_InitEx(uint32_t ma, uint32_t mi, LogFn *l, LogFn *w, LogFn *p, const char *dir, const char *cfg) {
  logf_ = l; warnf_ = w; say(l, "stand-in VDDK %u.%u libdir %s config %s\n", ma, mi, dir, cfg ? cfg : "-"); return OK; }
void VixDiskLib_Exit(void) {}
char *VixDiskLib_GetErrorText(VixError e, const char *u) { char *s; (void)u; if (asprintf(&s, "%s", last[0] ? last : "unknown error") < 0) return NULL; return s; }
void VixDiskLib_FreeErrorText(char *t) { free(t); }
Params *VixDiskLib_AllocateConnectParams(void) { return calloc(1, sizeof(Params)); }
void VixDiskLib_FreeConnectParams(Params *p) { free(p); }
const char *VixDiskLib_ListTransportModes(void) { return "file:nbdssl:nbd"; }
static VixError err(VixError e, const char *fmt, ...) { va_list a; va_start(a, fmt); vsnprintf(last, sizeof last, fmt, a); va_end(a); say(warnf_, "%s\n", last); return e; }

static void enc(char *o, const char *s) { for (; *s; s++) o += sprintf(o, strchr("[]/ %&+?#", *s) ? "%%%02X" : "%c", (unsigned char)*s); *o = 0; }

/* one HTTPS GET; answers the HTTP status and the body */
static int get(Conn *c, const char *path, char *body, size_t max, VixError *e) {
  char port[16], cred[512], b64[700], req[4096], buf[8192]; struct addrinfo *ai; int fd, n = 0, r;
  snprintf(port, sizeof port, "%u", c->p.port ? c->p.port : 443);
  if (getaddrinfo(c->p.serverName, port, &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &ai)) { *e = err(E_CONN, "Cannot resolve host %s", c->p.serverName); return -1; }
  fd = socket(ai->ai_family, ai->ai_socktype, 0); r = connect(fd, ai->ai_addr, ai->ai_addrlen); freeaddrinfo(ai);
  if (r) { close(fd); *e = err(E_CONN, "Cannot connect to host"); return -1; }
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method()); SSL *s = SSL_new(ctx); SSL_set_fd(s, fd);
  if (SSL_connect(s) != 1) { *e = err(E_CONN, "The server refused connection"); n = -1; goto out; }
  unsigned char md[EVP_MAX_MD_SIZE]; unsigned int len; char hex[200], *h = hex; const EVP_MD *alg = c->p.thumbPrint && strlen(c->p.thumbPrint) > 60 ? EVP_sha256() : EVP_sha1();
  X509 *x = SSL_get1_peer_certificate(s); X509_digest(x, alg, md, &len); X509_free(x);
  for (unsigned i = 0; i < len; i++) h += sprintf(h, i ? ":%02X" : "%02X", md[i]);
  if (!c->p.thumbPrint || strcasecmp(hex, c->p.thumbPrint)) { *e = err(E_CERT, "SSL thumbprint mismatch: the server has %s", hex); n = -1; goto out; }
  snprintf(cred, sizeof cred, "%s:%s", c->p.creds.uid.userName, c->p.creds.uid.password);
  EVP_EncodeBlock((unsigned char *)b64, (unsigned char *)cred, strlen(cred));
  r = snprintf(req, sizeof req, "GET %s HTTP/1.0\r\nHost: x\r\nAuthorization: Basic %s\r\n\r\n", path, b64); SSL_write(s, req, r);
  while (n < (int)sizeof buf - 1 && (r = SSL_read(s, buf + n, sizeof buf - 1 - n)) > 0) n += r;
  buf[n] = 0; char *p = strstr(buf, "\r\n\r\n"); snprintf(body, max, "%s", p ? p + 4 : ""); body[strcspn(body, "\n")] = 0;
  n = atoi(buf + 9);
out: SSL_free(s); SSL_CTX_free(ctx); close(fd); return n;
}

VixError VixDiskLib_ConnectEx(const Params *p, char ro, const char *snap, const char *modes, Conn **out) {
  Conn *c = calloc(1, sizeof *c); c->p = *p; c->snapshot = snap ? strdup(snap) : NULL; c->modes = modes ? strdup(modes) : NULL; *out = c;
  say(logf_, "ConnectEx server=%s port=%u vm=%s snapshot=%s modes=%s ro=%d\n", p->serverName ? p->serverName : "-", p->port, p->vmxSpec ? p->vmxSpec : "-", snap ? snap : "-", modes ? modes : "-", ro);
  return OK; }
VixError VixDiskLib_Disconnect(Conn *c) { free(c->snapshot); free(c->modes); free(c); return OK; }
VixError VixDiskLib_Open(Conn *c, const char *path, uint32_t flags, Handle **out) {
  char q[2048], f[1024], body[2048]; VixError e = E_FAIL; const char *vm = c->p.vmxSpec;
  if (!vm || strncmp(vm, "moref=", 6)) return err(E_NOVM, "The virtual machine specification is not moref=");
  if (c->p.credType != 1) return err(E_LOGIN, "only user and password are supported");
  enc(f, path); snprintf(q, sizeof q, "/_vddk/open?vm=%s&snapshot=%s&file=%s", vm + 6, c->snapshot ? c->snapshot : "", f);
  int st = get(c, q, body, sizeof body, &e);
  if (st < 0) return e;
  if (st != 200) return err(st == 401 ? E_LOGIN : st == 423 ? E_LOCKED : E_FILE, "%s", body);
  Handle *h = calloc(1, sizeof *h); struct stat sb;
  h->fd = open(body, flags & 4 ? O_RDONLY : O_RDWR);
  if (h->fd < 0 || fstat(h->fd, &sb)) { free(h); return err(E_FILE, "%s: %s", path, strerror(errno)); }
  h->size = sb.st_size; h->mode = c->modes && strstr(c->modes, "nbdssl") ? "nbdssl" : "nbd"; *out = h; return OK; }
const char *VixDiskLib_GetTransportMode(Handle *h) { return h->mode; }
VixError VixDiskLib_Close(Handle *h) { close(h->fd); free(h); return OK; }
VixError VixDiskLib_GetInfo(Handle *h, Info **o) { Info *i = calloc(1, sizeof *i + 64); i->capacity = h->size / 512; i->adapterType = 3; i->numLinks = 1; i->logical = i->physical = 512; *o = i; return OK; }
void VixDiskLib_FreeInfo(Info *i) { free(i); }
VixError VixDiskLib_Read(Handle *h, uint64_t s, uint64_t n, unsigned char *b) {
  for (size_t t = 0; t < n * 512;) { ssize_t r = pread(h->fd, b + t, n * 512 - t, s * 512 + t); if (r <= 0) return err(E_FILE, "read: %s", strerror(errno)); t += r; } return OK; }
VixError VixDiskLib_Write(Handle *h, uint64_t s, uint64_t n, const unsigned char *b) { return pwrite(h->fd, b, n * 512, s * 512) == (ssize_t)(n * 512) ? OK : err(E_FILE, "write: %s", strerror(errno)); }
VixError VixDiskLib_ReadAsync(Handle *h, uint64_t s, uint64_t n, unsigned char *b, void (*cb)(void *, VixError), void *d) { cb(d, VixDiskLib_Read(h, s, n, b)); return ASYNC; }
VixError VixDiskLib_WriteAsync(Handle *h, uint64_t s, uint64_t n, const unsigned char *b, void (*cb)(void *, VixError), void *d) { cb(d, VixDiskLib_Write(h, s, n, b)); return ASYNC; }
VixError VixDiskLib_Wait(Handle *h) { (void)h; return OK; }
VixError VixDiskLib_Flush(Handle *h) { return fdatasync(h->fd) ? E_FILE : OK; }
VixError VixDiskLib_Create(Conn *c, const char *p, const void *cp, void *f, void *d) { (void)c; (void)p; (void)cp; (void)f; (void)d; return err(E_FAIL, "not supported"); }
/* allocated chunks: those with any data on this machine's file */
VixError VixDiskLib_QueryAllocatedBlocks(Handle *h, uint64_t s, uint64_t n, uint64_t chunk, BlockList **o) {
  uint64_t max = n / chunk + 1; BlockList *l = calloc(1, sizeof *l + max * sizeof(Block)); if (!l) return E_NOMEM;
  for (uint64_t c = s; c < s + n; c += chunk) {
    off_t at = lseek(h->fd, c * 512, SEEK_DATA); uint64_t len = chunk < s + n - c ? chunk : s + n - c;
    if (at < 0 || (uint64_t)at >= (c + len) * 512) continue;
    if (l->n && l->b[l->n - 1].offset + l->b[l->n - 1].length == c) l->b[l->n - 1].length += len;
    else l->b[l->n++] = (Block){c, len};
  }
  *o = l; return OK; }
VixError VixDiskLib_FreeBlockList(BlockList *l) { free(l); return OK; }
