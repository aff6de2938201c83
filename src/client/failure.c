/* Why a server could not be asked, and what helps. */
#include "client/client_internal.h"
#include "or_config.h"

#if OR_HAVE_CURL
#include <curl/curl.h>
#include <string.h>
#include <sys/stat.h>

/* Nobody listens there; of a Unix socket libcurl would speak of a host. */
static or_status_t explain_refusal(const or_client_facts_t *facts, const char *why) {
  const char *path = facts->address->unix_path;
  struct stat info;
  if (path[0] != '\0' && lstat(path, &info) != 0) {
    why = "there is no such socket";
  } else if (path[0] != '\0') {
    why = S_ISSOCK(info.st_mode) ? "nobody listens at that socket, or it is not yours" : "that is no socket";
  }
  return or_error(OR_UNAVAILABLE, "no server at %.200s: %s; is one running? Start it with: openruntime server%s%.200s",
                  facts->url, why, path[0] != '\0' ? " --unix " : "", path);
}

/* Of a TLS connection. A server without TLS answers in a version that there isn't. */
static or_status_t explain_tls(const or_client_facts_t *facts, const char *why) {
  const bool plain = strstr(why, "wrong version number") != NULL || strstr(why, "packet length too long") != NULL;
  return or_error(OR_UNAVAILABLE, "the connection to %.200s failed: %s%s", facts->url, why,
                  plain ? "; does that server speak plain http://?" : "");
}

/* A connection that was ended: a server with TLS does so to whom it does not understand. */
static or_status_t explain_end(const or_client_facts_t *facts, const char *why) {
  const bool plain = strncmp(facts->address->base, "http://", 7) == 0 && facts->address->unix_path[0] == '\0';
  return or_error(OR_UNAVAILABLE, "the connection to %.200s ended without an answer: %s%s", facts->url, why,
                  plain ? "; has the server gone, or does it speak https://?" : "; has the server gone?");
}

or_status_t or_client_failure(const or_client_facts_t *facts, int code, const char *error) {
  const char *url = facts->url, *why = error[0] != '\0' ? error : curl_easy_strerror((CURLcode)code);
  switch ((CURLcode)code) {
  case CURLE_OK: return or_status_success();
  case CURLE_OUT_OF_MEMORY: return or_error(OR_RESOURCE_EXHAUSTED, "no memory for a request to the server");
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL: return or_error(OR_INVALID_ARGUMENT, "--url %.200s: %s", url, why);
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
    return or_error(OR_UNAVAILABLE, "no server at %.200s: %s; is the name right?", url, why);
  case CURLE_COULDNT_CONNECT: return explain_refusal(facts, why);
  case CURLE_SSL_CONNECT_ERROR: return explain_tls(facts, why);
  case CURLE_GOT_NOTHING:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR: return explain_end(facts, why);
  case CURLE_PEER_FAILED_VERIFICATION:
    return or_error(OR_UNAVAILABLE,
                    "the certificate of %.200s is not trusted: %s; name the file of its authority: --ca FILE", url,
                    why);
  case CURLE_SSL_CACERT_BADFILE:
    return or_error(OR_INVALID_ARGUMENT, "--ca %.200s: no PEM certificates could be read from it",
                    facts->ca_file != NULL ? facts->ca_file : "");
  case CURLE_OPERATION_TIMEDOUT: return or_error(OR_UNAVAILABLE, "no answer at %.200s: %s", url, why);
  default: return or_error(OR_UNAVAILABLE, "the connection to %.200s failed: %s", url, why);
  }
}
#endif
