/* One GET over TLS, from a server whose certificate has the thumbprint that the caller expects. */
#define _GNU_SOURCE
#include "https.h"

#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_SIZE = 8192, HEAD_SIZE = 4096, SHA1_TEXT = 59 };

static int dial(const char *host, unsigned port) {
  char service[16];
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  snprintf(service, sizeof service, "%u", port);
  if (getaddrinfo(host, service, &hints, &found)) return -1;
  int fd = socket(found->ai_family, found->ai_socktype, 0);
  if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen)) {
    close(fd);
    fd = -1;
  }
  freeaddrinfo(found);
  return fd;
}

/* VDDK takes SHA-1; newer versions SHA-256 too. */
static bool has_thumbprint(SSL *tls, const char *expected) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  char text[3 * EVP_MAX_MD_SIZE + 1], *end = text;
  if (!expected) return false;
  X509 *certificate = SSL_get1_peer_certificate(tls);
  X509_digest(certificate, strlen(expected) > SHA1_TEXT ? EVP_sha256() : EVP_sha1(), digest, &length);
  X509_free(certificate);
  for (unsigned i = 0; i < length; i++) end += sprintf(end, i ? ":%02X" : "%02X", digest[i]);
  return strcasecmp(text, expected) == 0;
}

static void write_credentials(char *line, size_t size, const ConnectParams *params) {
  if (params->credType == CRED_SESSION_ID) {
    const char *cookie = params->creds.sessionId.cookie;
    snprintf(line, size, "Cookie: %s%s", strchr(cookie, '=') ? "" : "vmware_soap_session=", cookie);
    return;
  }
  char plain[512], encoded[700];
  snprintf(plain, sizeof plain, "%s:%s", params->creds.uid.userName, params->creds.uid.password);
  EVP_EncodeBlock((unsigned char *)encoded, (unsigned char *)plain, (int)strlen(plain));
  snprintf(line, size, "Authorization: Basic %s", encoded);
}

int https_get(const ConnectParams *params, const char *path, char *body, size_t size) {
  char request[HEAD_SIZE], credentials[1024], answer[ANSWER_SIZE];
  int status = HTTPS_NO_CONNECTION, filled = 0, count;
  int fd = dial(params->serverName, params->port ? params->port : 443);
  if (fd < 0) return status;
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL *tls = SSL_new(context);
  SSL_set_fd(tls, fd);
  if (SSL_connect(tls) != 1) goto out;
  if (!has_thumbprint(tls, params->thumbPrint)) {
    status = HTTPS_WRONG_CERTIFICATE;
    goto out;
  }
  write_credentials(credentials, sizeof credentials, params);
  count = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\n%s\r\n\r\n", path, params->serverName, credentials);
  if (count >= (int)sizeof request || SSL_write(tls, request, count) <= 0) goto out;
  while (filled < ANSWER_SIZE - 1 && (count = SSL_read(tls, answer + filled, ANSWER_SIZE - 1 - filled)) > 0) filled += count;
  answer[filled] = 0;
  if (filled < 12) goto out;
  status = atoi(answer + strlen("HTTP/1.0 "));
  char *start = strstr(answer, "\r\n\r\n");
  snprintf(body, size, "%s", start ? start + 4 : "");
out:
  SSL_free(tls);
  SSL_CTX_free(context);
  close(fd);
  return status;
}
