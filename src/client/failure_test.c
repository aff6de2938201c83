#include "base/testing.h"

#include "client/client_internal.h"
#include "or_config.h"

#if OR_HAVE_CURL
#include <curl/curl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "fake/peer.h"

static or_client_address_t address;

static or_client_facts_t facts_of(const char *url, const char *ca_file) {
  expect_ok(or_client_address_parse(url, &address));
  return (or_client_facts_t){
      .allocator = or_allocator_system(), .address = &address, .url = url, .ca_file = ca_file, .authorization = ""};
}

static void each_failure_has_its_cause_and_its_cure(void **state) {
  static const struct {
    const char *url;
    CURLcode code;
    const char *error;
    or_status_code_t status;
    const char *words;
  } rows[] = {
      {"x:1", CURLE_OUT_OF_MEMORY, "", OR_RESOURCE_EXHAUSTED, "no memory"},
      {"x:1", CURLE_URL_MALFORMAT, "", OR_INVALID_ARGUMENT, "--url x:1: "},
      {"x:1", CURLE_COULDNT_RESOLVE_HOST, "no x", OR_UNAVAILABLE, "no server at x:1: no x; is the name right?"},
      {"x:1", CURLE_COULDNT_CONNECT, "refused", OR_UNAVAILABLE,
       "no server at x:1: refused; is one running? Start it with: openruntime server"},
      {"https://x", CURLE_SSL_CONNECT_ERROR, "wrong version number", OR_UNAVAILABLE,
       "does that server speak plain http"},
      {"https://x", CURLE_SSL_CONNECT_ERROR, "packet length too long", OR_UNAVAILABLE, "does that server speak plain"},
      {"https://x", CURLE_SSL_CONNECT_ERROR, "no cipher", OR_UNAVAILABLE, "failed: no cipher"},
      {"x:1", CURLE_GOT_NOTHING, "empty", OR_UNAVAILABLE, "empty; has the server gone, or does it speak https://?"},
      {"https://x", CURLE_RECV_ERROR, "reset", OR_UNAVAILABLE, "reset; has the server gone?"},
      {"unix:/x", CURLE_SEND_ERROR, "reset", OR_UNAVAILABLE, "reset; has the server gone?"},
      {"https://x", CURLE_PEER_FAILED_VERIFICATION, "self-signed", OR_UNAVAILABLE, "is not trusted: self-signed"},
      {"https://x", CURLE_SSL_CACERT_BADFILE, "", OR_INVALID_ARGUMENT, "--ca the.pem: no PEM certificates"},
      {"x:1", CURLE_OPERATION_TIMEDOUT, "late", OR_UNAVAILABLE, "no answer at x:1: late"},
      {"x:1", CURLE_WEIRD_SERVER_REPLY, "", OR_UNAVAILABLE, "the connection to x:1 failed: "},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    const or_client_facts_t facts = facts_of(rows[i].url, "the.pem");
    expect_failure(or_client_failure(&facts, (int)rows[i].code, rows[i].error), rows[i].status, rows[i].words);
  }
  const or_client_facts_t facts = facts_of("https://x", NULL);
  expect_ok(or_client_failure(&facts, (int)CURLE_OK, ""));
  expect_failure(or_client_failure(&facts, (int)CURLE_SSL_CACERT_BADFILE, ""), OR_INVALID_ARGUMENT, "--ca");
}

static void a_socket_is_looked_at(void **state) {
  char folder[] = "/tmp/failure_test_XXXXXX", path[64], url[80];
  or_peer_t peer = {.count = 0};
  (void)state;
  assert_non_null(mkdtemp(folder));
  or_format(path, sizeof path, "%s/s", folder);
  or_format(url, sizeof url, "unix:%s", path);
  const or_client_facts_t facts = facts_of(url, NULL);
  expect_failure(or_client_failure(&facts, (int)CURLE_COULDNT_CONNECT, "x"), OR_UNAVAILABLE, "there is no such socket");
  expect_ok(or_file_write(path, "x", 1));
  expect_failure(or_client_failure(&facts, (int)CURLE_COULDNT_CONNECT, "x"), OR_UNAVAILABLE, "that is no socket");
  (void)unlink(path);
  expect_ok(or_peer_start(&peer, path));
  expect_failure(or_client_failure(&facts, (int)CURLE_COULDNT_CONNECT, "x"), OR_UNAVAILABLE,
                 "nobody listens at that socket, or it is not yours; is one running? Start it with: openruntime server "
                 "--unix ");
  or_peer_stop(&peer);
  (void)unlink(path);
  (void)rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_failure_has_its_cause_and_its_cure),
      cmocka_unit_test(a_socket_is_looked_at),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) { return 0; }
#endif
