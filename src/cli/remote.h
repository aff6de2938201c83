#ifndef OR_CLI_REMOTE_H
#define OR_CLI_REMOTE_H
/* A command by --url, and the one way in which an answer is shown, whether it was made here or by a server: every
 * command writes or gets a JSON document, and a printer of its own makes people's text of it. */

#include "cli/cli.h"
#include "client/client.h"

/* --url or OPENRUNTIME_URL is given. */
bool or_cli_is_remote(const or_cli_t *cli);
/* The client of that server, made at first use with --key-file (or OPENRUNTIME_API_KEY) and --ca. Prints the error and
 * returns false if it can't be had. */
bool or_cli_client(or_cli_t *cli, or_client_t **out);
/* Another one, the caller's. Statuses of or_client_create; NOT_FOUND and such: the key's file. */
or_status_t or_cli_client_create(or_cli_t *cli, or_client_t **out);

/* Asks the server. OR_EXIT_OK and the reply's document, which the caller frees; or the exit code of what was printed:
 * OR_EXIT_UNREACHABLE without a reply, OR_EXIT_USAGE with each field of a 422 in a line, else as the table of statuses
 * has it. */
int or_cli_ask(or_cli_t *cli, const or_client_request_t *request, or_json_document_t **out);
/* The same for a reply that is no JSON; `reply` is the caller's, inited before. */
int or_cli_ask_text(or_cli_t *cli, const or_client_request_t *request, or_client_reply_t *reply);
/* Prints a failure of or_client_call and gives its exit code, as or_cli_ask does. Takes the status. */
int or_cli_fail_reply(or_cli_t *cli, const or_client_reply_t *reply, or_status_t status);

/* The document of a reply to a request of that method; DATA_LOSS, with the cure, where it is no JSON. */
or_status_t or_cli_parse_reply(const or_cli_t *cli, const char *method, const char *text, size_t length,
                               or_json_document_t **out);

/* Makes text for people of a document. */
typedef void (*or_cli_printer_t)(or_cli_t *cli, const or_json_value_t *root);
/* With --json the document, indented; else what the printer makes of it. An exit code. */
int or_cli_show(or_cli_t *cli, const or_json_value_t *root, or_cli_printer_t print);
/* The same for a document that was just written. Takes the text. Where the build can't read JSON it is printed as it
 * is. */
int or_cli_show_written(or_cli_t *cli, or_json_writer_t *json, or_text_t *text, or_cli_printer_t print);
/* The same for a server's reply. */
int or_cli_show_reply(or_cli_t *cli, const or_client_request_t *request, or_cli_printer_t print);

/* "/PREFIX/NAME/SUFFIX" with NAME as one segment, into `text` (inited); prefix "/models", suffix "" or "/load". */
or_status_t or_cli_path(or_text_t *text, const char *prefix, const char *name, const char *suffix);
/* "&NAME=VALUE", encoded, at the end of a query; nothing where value is NULL. */
or_status_t or_cli_add_query(or_text_t *query, const char *name, const char *value);

#endif
