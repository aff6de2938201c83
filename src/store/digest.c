#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "store/store_internal.h"

static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256; /* looked up once: EVP_sha256() is, at each use */

static void fetch(void) { sha256 = EVP_MD_fetch(NULL, "SHA256", NULL); }

or_status_t or_store_digest_begin(or_store_digest_t *digest) {
  (void)pthread_once(&fetch_once, fetch);
  digest->context = EVP_MD_CTX_new();
  const EVP_MD *kind = sha256 != NULL ? sha256 : EVP_sha256();
  if (digest->context != NULL && EVP_DigestInit_ex(digest->context, kind, NULL) == 1) {
    return or_status_success();
  }
  EVP_MD_CTX_free(digest->context);
  digest->context = NULL;
  return or_error(OR_RESOURCE_EXHAUSTED, "no memory for a SHA-256");
}

or_status_t or_store_digest_add(or_store_digest_t *digest, const void *bytes, size_t length) {
  if (EVP_DigestUpdate(digest->context, bytes, length) == 1) return or_status_success();
  return or_error(OR_INTERNAL, "libcrypto can't go on with a SHA-256");
}

or_status_t or_store_digest_end(or_store_digest_t *digest, uint8_t out[OR_TASK_DIGEST_BYTES]) {
  bool made = EVP_DigestFinal_ex(digest->context, out, NULL) == 1;
  EVP_MD_CTX_free(digest->context);
  digest->context = NULL;
  return made ? or_status_success() : or_error(OR_INTERNAL, "libcrypto can't end a SHA-256");
}

or_status_t or_store_digest(const void *bytes, size_t length, uint8_t out[OR_TASK_DIGEST_BYTES]) {
  or_store_digest_t digest;
  or_status_t status = or_store_digest_begin(&digest);
  if (!or_ok(status)) return status;
  status = or_store_digest_add(&digest, bytes, length);
  return or_status_first(status, or_store_digest_end(&digest, out));
}

bool or_digest_equal(const uint8_t *a, const uint8_t *b) { return CRYPTO_memcmp(a, b, OR_TASK_DIGEST_BYTES) == 0; }
