/* Stands in for VMware's libvixDiskLib, so that the real nbdkit-vddk-plugin can be run against the simulator.
 *
 * Open logs in over TLS, has the simulator resolve (vm, snapshot, file) to a raw file of this machine, and reads that
 * from then on. */
#define _GNU_SOURCE
#include "vixDiskLib.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "https.h"

enum { SECTOR = 512 };

struct Connection {
  ConnectParams params;
  char *snapshot;
  char *modes;
};

struct Handle {
  int fd;
  uint64_t size;
  int64_t left; /* bytes until reads fail, or -1 */
  const char *mode;
};

static __thread char last_error[1024];
static LogFunction *log_info, *log_warning;

static void tell(LogFunction *to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (to) to(format, arguments);
  va_end(arguments);
}

/* Keeps the text for GetErrorText, and answers the error. */
static VixError failed(VixError error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_error, sizeof last_error, format, arguments);
  va_end(arguments);
  tell(log_warning, "VixDiskLib: %s (error %lu)\n", last_error, (unsigned long)error);
  return error;
}

VixError VixDiskLib_InitEx(uint32_t major, uint32_t minor, LogFunction *info, LogFunction *warning, LogFunction *panic,
                           const char *libdir, const char *config) {
  (void)panic;
  log_info = info;
  log_warning = warning;
  tell(info, "stand-in VDDK %u.%u libdir %s config %s\n", major, minor, libdir, config ? config : "-");
  return VIX_OK;
}

void VixDiskLib_Exit(void) {}

char *VixDiskLib_GetErrorText(VixError error, const char *locale) {
  char *text;
  (void)locale;
  if (last_error[0]) return strdup(last_error);
  return asprintf(&text, "error %lu", (unsigned long)error) < 0 ? NULL : text;
}

void VixDiskLib_FreeErrorText(char *text) { free(text); }

ConnectParams *VixDiskLib_AllocateConnectParams(void) { return calloc(1, sizeof(ConnectParams)); }

void VixDiskLib_FreeConnectParams(ConnectParams *params) { free(params); }

const char *VixDiskLib_ListTransportModes(void) { return "file:nbdssl:nbd"; }

/* Nothing is asked for yet: VDDK too finds out at the first open that a password is wrong. */
VixError VixDiskLib_ConnectEx(const ConnectParams *params, char read_only, const char *snapshot, const char *modes,
                              Connection **out) {
  Connection *connection = calloc(1, sizeof *connection);
  if (!connection) return VIX_E_OUT_OF_MEMORY;
  connection->params = *params;
  connection->snapshot = snapshot ? strdup(snapshot) : NULL;
  connection->modes = modes ? strdup(modes) : NULL;
  tell(log_info, "ConnectEx server=%s vm=%s snapshot=%s modes=%s read-only=%d\n",
       params->serverName ? params->serverName : "-", params->vmxSpec ? params->vmxSpec : "-", snapshot ? snapshot : "-",
       modes ? modes : "-", read_only);
  *out = connection;
  return VIX_OK;
}

VixError VixDiskLib_Disconnect(Connection *connection) {
  free(connection->snapshot);
  free(connection->modes);
  free(connection);
  return VIX_OK;
}

static void escape(char *out, size_t size, const char *text) {
  for (; *text && size > 4; text++) {
    int written = snprintf(out, size, strchr("[]/ %&+?#\"", *text) ? "%%%02X" : "%c", (unsigned char)*text);
    out += written;
    size -= (size_t)written;
  }
  *out = 0;
}

static VixError refused(int status, const char *text) {
  switch (status) {
    case HTTPS_NO_CONNECTION: return failed(VIX_E_CANNOT_CONNECT_HOST, "Cannot connect to host");
    case HTTPS_WRONG_CERTIFICATE:
      return failed(VIX_E_CANNOT_CONNECT_HOST, "SSL Exception: the thumbprint of the server is not the expected one");
    case 401: return failed(VIX_E_INVALID_LOGIN, "%s", text);
    case 403: return failed(VIX_E_FILE_ACCESS_ERROR, "%s", text);
    case 404: return failed(VIX_E_FILE_NOT_FOUND, "%s", text);
    case 423: return failed(VIX_E_LOCK_FAILED, "%s", text);
    case 503: return failed(VIX_E_HOST_NETWORK_CONN_REFUSED, "%s", text);
    default: return failed(VIX_E_FAIL, "Unknown error (%d)", status);
  }
}

VixError VixDiskLib_Open(Connection *connection, const char *path, uint32_t flags, Handle **out) {
  char file[1024], request[2048], answer[2048];
  struct stat status;
  const char *vm = connection->params.vmxSpec;
  if (!vm || strncmp(vm, "moref=", 6)) return failed(VIX_E_VM_NOT_FOUND, "The virtual machine cannot be found");
  escape(file, sizeof file, path);
  snprintf(request, sizeof request, "/_vddk/open?vm=%s&snapshot=%s&file=%s%s", vm + 6,
           connection->snapshot ? connection->snapshot : "", file, flags & OPEN_SINGLE_LINK ? "&single=1" : "");
  int code = https_get(&connection->params, request, answer, sizeof answer);
  char *second = code < 0 ? NULL : strchr(answer, '\n');
  if (second) *second++ = 0;
  if (code != 200) return refused(code, answer);

  Handle *handle = calloc(1, sizeof *handle);
  if (!handle) return VIX_E_OUT_OF_MEMORY;
  handle->fd = open(answer, flags & OPEN_READ_ONLY ? O_RDONLY : O_RDWR);
  if (handle->fd < 0 || fstat(handle->fd, &status)) {
    free(handle);
    return failed(VIX_E_FILE_NOT_FOUND, "%s: %s", path, strerror(errno));
  }
  handle->size = (uint64_t)status.st_size;
  handle->left = second ? atoll(second) : -1;
  handle->mode = connection->modes && strstr(connection->modes, "nbdssl") ? "nbdssl" : "nbd";
  *out = handle;
  return VIX_OK;
}

VixError VixDiskLib_Close(Handle *handle) {
  close(handle->fd);
  free(handle);
  return VIX_OK;
}

const char *VixDiskLib_GetTransportMode(Handle *handle) { return handle->mode; }

VixError VixDiskLib_GetInfo(Handle *handle, DiskInfo **out) {
  DiskInfo *info = calloc(1, sizeof *info + 64); /* newer versions have more fields */
  if (!info) return VIX_E_OUT_OF_MEMORY;
  info->capacity = handle->size / SECTOR;
  info->adapterType = ADAPTER_SCSI_LSILOGIC;
  info->numLinks = 1;
  info->logicalSectorSize = info->physicalSectorSize = SECTOR;
  *out = info;
  return VIX_OK;
}

void VixDiskLib_FreeInfo(DiskInfo *info) { free(info); }

VixError VixDiskLib_Read(Handle *handle, uint64_t sector, uint64_t count, unsigned char *buffer) {
  uint64_t bytes = count * SECTOR, done = 0;
  if (handle->left >= 0) {
    if ((uint64_t)handle->left < bytes) return failed(VIX_E_HOST_CONNECTION_LOST, "The host connection was lost");
    handle->left -= (int64_t)bytes;
  }
  while (done < bytes) {
    ssize_t got = pread(handle->fd, buffer + done, bytes - done, (off_t)(sector * SECTOR + done));
    if (got <= 0) return failed(VIX_E_FILE_ERROR, "read: %s", got ? strerror(errno) : "end of file");
    done += (uint64_t)got;
  }
  return VIX_OK;
}

VixError VixDiskLib_Write(Handle *handle, uint64_t sector, uint64_t count, const unsigned char *buffer) {
  ssize_t written = pwrite(handle->fd, buffer, count * SECTOR, (off_t)(sector * SECTOR));
  if (written == (ssize_t)(count * SECTOR)) return VIX_OK;
  return failed(VIX_E_FILE_ERROR, "write: %s", strerror(errno));
}

VixError VixDiskLib_ReadAsync(Handle *handle, uint64_t sector, uint64_t count, unsigned char *buffer,
                              CompletionFunction *completed, void *data) {
  completed(data, VixDiskLib_Read(handle, sector, count, buffer));
  return VIX_ASYNC;
}

VixError VixDiskLib_WriteAsync(Handle *handle, uint64_t sector, uint64_t count, const unsigned char *buffer,
                               CompletionFunction *completed, void *data) {
  completed(data, VixDiskLib_Write(handle, sector, count, buffer));
  return VIX_ASYNC;
}

VixError VixDiskLib_Wait(Handle *handle) {
  (void)handle;
  return VIX_OK;
}

VixError VixDiskLib_Flush(Handle *handle) { return fdatasync(handle->fd) ? VIX_E_FILE_ERROR : VIX_OK; }

VixError VixDiskLib_Create(Connection *connection, const char *path, const void *params, void *progress, void *data) {
  (void)connection, (void)path, (void)params, (void)progress, (void)data;
  return failed(VIX_E_NOT_SUPPORTED, "The operation is not supported");
}

/* Allocated are the chunks for which the file on this machine has any data. */
VixError VixDiskLib_QueryAllocatedBlocks(Handle *handle, uint64_t start, uint64_t count, uint64_t chunk, BlockList **out) {
  uint64_t end = start + count;
  BlockList *list = calloc(1, sizeof *list + (count / chunk + 1) * sizeof(Block));
  if (!list) return VIX_E_OUT_OF_MEMORY;
  for (uint64_t at = start; at < end; at += chunk) {
    uint64_t length = chunk < end - at ? chunk : end - at;
    off_t data = lseek(handle->fd, (off_t)(at * SECTOR), SEEK_DATA);
    if (data < 0 || (uint64_t)data >= (at + length) * SECTOR) continue;
    Block *before = list->numBlocks ? &list->blocks[list->numBlocks - 1] : NULL;
    if (before && before->offset + before->length == at) before->length += length;
    else list->blocks[list->numBlocks++] = (Block){at, length};
  }
  *out = list;
  return VIX_OK;
}

VixError VixDiskLib_FreeBlockList(BlockList *list) {
  free(list);
  return VIX_OK;
}
