#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/string.h"
#include "cli/remote.h"
#include "client/address.h"
#include "or_config.h"

static int show(or_cli_t *cli, const char *kind, const char *place) {
  or_text_t text;
  or_json_writer_t json;
  if (!cli->json) {
    (void)printf("%s\n", place);
    return OR_EXIT_OK;
  }
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_string(&json, "kind", kind);
  or_json_field_string(&json, "place", place);
  or_json_object_end(&json);
  return or_cli_print_json(cli, &json, &text);
}

/* The page of a server that answers: one that is not there is told from one whose page is meant. */
static int show_page(or_cli_t *cli) {
  const or_client_request_t request = {.method = "GET", .path = "/docs", .accept = "text/html"};
  or_client_address_t address;
  or_client_reply_t reply;
  char place[OR_CLIENT_URL_BYTES + 8];
  or_client_reply_init(&reply, cli->allocator);
  const int code = or_cli_ask_text(cli, &request, &reply);
  or_client_reply_deinit(&reply);
  if (code != OR_EXIT_OK) return code;
  or_status_t status = or_client_address_parse(cli->url, &address);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  if (address.unix_path[0] != '\0') {
    return or_cli_fail(cli, or_error(OR_FAILED_PRECONDITION,
                                     "no browser opens a Unix socket: curl --unix-socket %s http://localhost/docs",
                                     address.unix_path));
  }
  return show(cli, "page", or_format(place, sizeof place, "%s/docs", address.base));
}

/* The installed pages, found from where the program lies; in a tree of the source, its own. */
static bool find_pages(char *place, size_t capacity) {
  static const char *const below[] = {OR_DOCDIR_FROM_PROGRAM, "../../docs"};
  char program[OR_FILE_PATH_BYTES];
  char *slash = or_file_program(program, sizeof program) ? strrchr(program, '/') : NULL;
  if (slash != NULL) *slash = '\0';
  for (size_t i = 0; slash != NULL && i < sizeof below / sizeof *below; ++i) {
    char page[OR_FILE_PATH_BYTES + 64];
    or_format(page, sizeof page, "%s/%s/cli.md", program, below[i]);
    or_format(place, capacity, "%s/%s", program, below[i]);
    if (access(page, R_OK) == 0) return true;
  }
  return false;
}

int or_cli_docs_command(or_cli_t *cli) {
  char place[OR_FILE_PATH_BYTES + 64], resolved[PATH_MAX];
  if (or_cli_is_remote(cli)) return show_page(cli);
  if (find_pages(place, sizeof place)) return show(cli, "folder", realpath(place, resolved) != NULL ? resolved : place);
  return or_cli_fail(cli, or_error(OR_NOT_FOUND,
                                   "the documentation is not installed with this program; a running server has "
                                   "pages of its interface: openruntime --url URL docs"));
}
