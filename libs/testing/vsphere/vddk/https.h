#ifndef STAND_IN_HTTPS_H
#define STAND_IN_HTTPS_H

#include <stddef.h>

#include "vixDiskLib.h"

enum { HTTPS_NO_CONNECTION = -1, HTTPS_WRONG_CERTIFICATE = -2 };

/* Answers the HTTP status, or one of the above; the body is cut where it does not fit. */
int https_get(const ConnectParams *params, const char *path, char *body, size_t size);

#endif
