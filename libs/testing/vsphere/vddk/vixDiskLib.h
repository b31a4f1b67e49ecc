/* What of VDDK's public interface nbdkit-vddk-plugin uses. Layouts and signatures are VDDK's; names of types are ours. */
#ifndef STAND_IN_VIXDISKLIB_H
#define STAND_IN_VIXDISKLIB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t VixError;

enum {
  VIX_OK = 0,
  VIX_E_FAIL = 1,
  VIX_E_OUT_OF_MEMORY = 2,
  VIX_E_FILE_NOT_FOUND = 4,
  VIX_E_NOT_SUPPORTED = 6,
  VIX_E_FILE_ERROR = 7,
  VIX_E_FILE_ACCESS_ERROR = 13,
  VIX_E_VM_NOT_FOUND = 4000,
  VIX_E_HOST_CONNECTION_LOST = 14008,
  VIX_E_HOST_NETWORK_CONN_REFUSED = 14009,
  VIX_E_LOCK_FAILED = 16392,
  VIX_E_CANNOT_CONNECT_HOST = 18000,
  VIX_E_INVALID_LOGIN = 18001,
  VIX_ASYNC = 25000,
};

enum { CRED_UID = 1, CRED_SESSION_ID = 2 };
enum { OPEN_SINGLE_LINK = 2, OPEN_READ_ONLY = 4 };
enum { ADAPTER_SCSI_LSILOGIC = 3 };

typedef void LogFunction(const char *format, va_list arguments);
typedef void CompletionFunction(void *data, VixError result);

typedef struct {
  char *vmxSpec;
  char *serverName;
  char *thumbPrint;
  long reserved1;
  int credType;
  union {
    struct {
      char *userName;
      char *password;
    } uid;
    struct {
      char *cookie;
      char *userName;
      char *key;
    } sessionId;
    void *reserved;
  } creds;
  uint32_t port;
  uint32_t nfcHostPort;
  char *reserved3;
  char reserved4[8];
  void *reserved5;
  struct {
    char *id;
    char *datastoreMoRef;
    char *ssId;
  } spec;
  int specType;
} ConnectParams;

typedef struct {
  uint32_t biosGeometry[3];
  uint32_t physicalGeometry[3];
  uint64_t capacity; /* in sectors */
  int adapterType;
  int numLinks;
  char *parentFileNameHint;
  char *uuid;
  uint32_t logicalSectorSize;
  uint32_t physicalSectorSize;
} DiskInfo;

typedef struct {
  uint64_t offset; /* in sectors */
  uint64_t length;
} Block;

typedef struct {
  uint32_t numBlocks;
  Block blocks[];
} BlockList;

/* Ours, opaque to the caller. */
typedef struct Connection Connection;
typedef struct Handle Handle;

#endif
