#include "cli/remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define MAX_KEY_FILE_BYTES ((size_t)4096)

bool or_cli_is_remote(const or_cli_t *cli) { return cli->url != NULL && cli->url[0] != '\0'; }

/* The first line of --key-file, else the environment's: a key on the command line would show in the list of processes.
 * *text: to be freed, may be NULL; *key lies there or in the environment. */
static or_status_t find_key(const or_cli_t *cli, char **text, const char **key) {
  const char *path = or_cli_value(cli, "--key-file");
  size_t length = 0;
  *text = NULL;
  *key = getenv("OPENRUNTIME_API_KEY");
  if (path == NULL) return or_status_success();
  or_status_t status = or_file_read(cli->allocator, path, MAX_KEY_FILE_BYTES, text, &length);
  if (!or_ok(status)) return or_status_context(status, "--key-file");
  (*text)[strcspn(*text, "\r\n")] = '\0';
  *key = *text;
  if ((*text)[0] == '\0') return or_error(OR_INVALID_ARGUMENT, "--key-file %.200s: its first line is empty", path);
  return or_status_success();
}

/* Certificates to trust: ours first, then what curl and OpenSSL users have set. */
static const char *find_ca(const or_cli_t *cli) {
  static const char *const names[] = {"OPENRUNTIME_CA", "CURL_CA_BUNDLE", "SSL_CERT_FILE"};
  const char *path = or_cli_value(cli, "--ca");
  for (size_t i = 0; path == NULL && i < sizeof names / sizeof *names; ++i) {
    path = getenv(names[i]);
    if (path != NULL && path[0] == '\0') path = NULL;
  }
  return path;
}

or_status_t or_cli_client_create(or_cli_t *cli, or_client_t **out) {
  char *text = NULL;
  const char *key = NULL;
  *out = NULL;
  or_status_t status = find_key(cli, &text, &key);
  const or_client_options_t options = {
      .allocator = cli->allocator, .url = cli->url, .key = key, .ca_file = find_ca(cli), .cancel = &cli->cancel};
  if (or_ok(status)) status = or_client_create(&options, out);
  or_free(cli->allocator, text);
  return status;
}

bool or_cli_client(or_cli_t *cli, or_client_t **out) {
  or_status_t status = cli->client == NULL ? or_cli_client_create(cli, &cli->client) : or_status_success();
  *out = cli->client;
  if (or_ok(status)) return true;
  (void)or_cli_fail(cli, status); /* its code stays in cli->code */
  return false;
}

/* "data.size" of ["body", "data", "size"]; "body" of that alone. */
static char *place_of(const or_json_value_t *loc, char *text, size_t capacity) {
  const size_t count = or_json_count(loc);
  or_format(text, capacity, "%s", or_json_get_string(loc, ""));
  for (size_t i = count > 1 ? 1 : 0; i < count; ++i) {
    const size_t used = strlen(text);
    const or_json_value_t *item = or_json_at(loc, i);
    const char *dot = used > 0 ? "." : "";
    if (or_json_kind(item) == OR_JSON_INTEGER) {
      or_format(text + used, capacity - used, "%s%lld", dot, (long long)or_json_get_int(item, 0));
    } else {
      or_format(text + used, capacity - used, "%s%s", dot, or_json_get_string(item, ""));
    }
  }
  if (text[0] == '\0') or_format(text, capacity, "%s", or_json_get_string(or_json_at(loc, 0), ""));
  return text;
}

/* Each wrong field in a line; false if the document names none. */
static bool print_problems(or_cli_t *cli, const or_client_reply_t *reply) {
  or_json_document_t *document = NULL;
  or_status_t status = or_json_parse(cli->allocator, or_text_string(&reply->body), reply->body.length, &document);
  const or_json_value_t *detail = or_ok(status) ? or_json_get(or_json_root(document), "detail") : NULL;
  const bool named = or_json_kind(detail) == OR_JSON_ARRAY && or_json_count(detail) > 0;
  or_status_ignore(status); /* without a document the failure's message is printed */
  or_cli_progress_end(cli);
  for (size_t i = 0; named && i < or_json_count(detail); ++i) {
    const or_json_value_t *problem = or_json_at(detail, i);
    char place[160];
    (void)fprintf(stderr, "openruntime: %s: %s\n", place_of(or_json_get(problem, "loc"), place, sizeof place),
                  or_json_get_string(or_json_get(problem, "msg"), ""));
  }
  if (named && cli->json) (void)or_cli_show(cli, or_json_root(document), NULL);
  or_json_document_free(document);
  return named;
}

/* A path or a method that the server has not: it is another's prefix, or of another version. */
static or_status_t advise(const or_cli_t *cli, const or_client_reply_t *reply, or_status_t status) {
  const bool lacks = reply->status == 405 || reply->status == 501 ||
                     (reply->status == 404 && strstr(or_status_message(status), "no such path") != NULL);
  if (!lacks || or_status_code(status) == OR_UNIMPLEMENTED) return status;
  or_status_t advised = or_error(or_status_code(status),
                                 "%s (is the path in --url right? A server of another version may lack it: openruntime "
                                 "status --url %.200s)",
                                 or_status_message(status), cli->url);
  or_status_ignore(status); /* said with the cure */
  return advised;
}

int or_cli_fail_reply(or_cli_t *cli, const or_client_reply_t *reply, or_status_t status) {
  status = advise(cli, reply, status);
  const or_status_code_t code = or_status_code(status);
  if (reply->status == 422 && print_problems(cli, reply)) {
    or_status_ignore(status); /* printed, field by field */
    cli->code = OR_EXIT_USAGE;
    return cli->code;
  }
  (void)or_cli_fail(cli, status); /* its code stays in cli->code */
  if (reply->status == 0 && (code == OR_UNAVAILABLE || code == OR_DEADLINE_EXCEEDED)) cli->code = OR_EXIT_UNREACHABLE;
  return cli->code;
}

static void tell_waiting(void *self) { or_cli_progress_waits(self); }

int or_cli_ask_text(or_cli_t *cli, const or_client_request_t *request, or_client_reply_t *reply) {
  or_client_t *client = NULL;
  or_client_request_t waiting = *request;
  if (!or_cli_client(cli, &client)) return cli->code;
  if (or_cli_shows_progress(cli)) waiting.tick = tell_waiting;
  waiting.tick_self = cli;
  or_status_t status = or_client_call(client, &waiting, reply);
  or_cli_progress_end(cli);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail_reply(cli, reply, status);
}

or_status_t or_cli_parse_reply(const or_cli_t *cli, const char *method, const char *text, size_t length,
                               or_json_document_t **out) {
  or_status_t status = or_json_parse(cli->allocator, text, length, out);
  if (or_status_code(status) != OR_INVALID_ARGUMENT) return status;
  or_status_ignore(status); /* what is wrong with it is that it is another's */
  return or_error(OR_DATA_LOSS, "%.200s answered a %s with something that is not JSON: is that an OpenRuntime server?",
                  cli->url, method);
}

int or_cli_ask(or_cli_t *cli, const or_client_request_t *request, or_json_document_t **out) {
  or_client_reply_t reply;
  *out = NULL;
  or_client_reply_init(&reply, cli->allocator);
  int code = or_cli_ask_text(cli, request, &reply);
  if (code == OR_EXIT_OK) {
    or_status_t status = or_cli_parse_reply(cli, request->method, or_text_string(&reply.body), reply.body.length, out);
    if (!or_ok(status)) code = or_cli_fail(cli, status);
  }
  or_client_reply_deinit(&reply);
  return code;
}

int or_cli_show(or_cli_t *cli, const or_json_value_t *root, or_cli_printer_t print) {
  or_text_t text;
  or_json_writer_t json;
  if (!cli->json) {
    print(cli, root);
    return OR_EXIT_OK;
  }
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_copy(&json, root);
  return or_cli_print_json(cli, &json, &text);
}

int or_cli_show_written(or_cli_t *cli, or_json_writer_t *json, or_text_t *text, or_cli_printer_t print) {
  or_json_document_t *document = NULL;
  if (cli->json) return or_cli_print_json(cli, json, text);
  or_status_t status = or_json_finish(json);
  if (or_ok(status)) status = or_json_parse(cli->allocator, or_text_string(text), text->length, &document);
  if (or_status_code(status) == OR_UNIMPLEMENTED) {
    or_status_ignore(status); /* this build reads no JSON: shown as it is */
    (void)printf("%s\n", or_text_string(text));
    status = or_status_success();
  } else if (or_ok(status)) {
    print(cli, or_json_root(document));
  }
  or_json_document_free(document);
  or_text_deinit(text);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}

int or_cli_show_reply(or_cli_t *cli, const or_client_request_t *request, or_cli_printer_t print) {
  or_json_document_t *document = NULL;
  int code = or_cli_ask(cli, request, &document);
  if (code == OR_EXIT_OK) code = or_cli_show(cli, or_json_root(document), print);
  or_json_document_free(document);
  return code;
}

or_status_t or_cli_path(or_text_t *text, const char *prefix, const char *name, const char *suffix) {
  or_status_t status = or_text_printf(text, "%s/", prefix);
  if (or_ok(status)) status = or_client_escape(text, name);
  return or_ok(status) ? or_text_append_string(text, suffix) : status;
}

or_status_t or_cli_add_query(or_text_t *query, const char *name, const char *value) {
  if (value == NULL) return or_status_success();
  or_status_t status = or_text_printf(query, "%s%s=", query->length > 0 ? "&" : "", name);
  return or_ok(status) ? or_client_escape(query, value) : status;
}
