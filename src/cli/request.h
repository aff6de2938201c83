#ifndef OR_CLI_REQUEST_H
#define OR_CLI_REQUEST_H
/* From flags to a TaskRequest, as POST /tasks takes it, and from its outcome to the terminal: run, infer and benchmark
   share this. */

#include "cli/cli.h"

/* A request being written: the envelope is open and the fields of `data` follow. */
typedef struct or_cli_request_t {
  or_cli_t *cli;
  or_text_t text;
  or_json_writer_t json;
  or_status_t status; /* of its fields: what could not be read for want of memory */
  char task_id[40];   /* made here, so that a server's task can be asked about while it is waited for */
} or_cli_request_t;
void or_cli_request_begin(or_cli_request_t *request, or_cli_t *cli, const char *operation);
/* A field of `data` whose value is JSON where it parses as such, else a string. */
void or_cli_request_field(or_cli_request_t *request, const char *key, const char *value);

/* Gives up a request that is not to be carried out. */
void or_cli_request_drop(or_cli_request_t *request);

/* What came of a task. */
typedef struct or_cli_outcome_t {
  or_task_result_t result;
  or_json_document_t *document; /* of result.json, when it completed */
  const or_json_value_t *root;
} or_cli_outcome_t;
typedef struct or_cli_execution_t {
  bool verify;
  double timeout_s; /* 0: the task's own */
  const or_task_tensor_t *tensors;
  size_t tensor_count;
  bool wants_outputs;  /* the outcome's tensors; a server's are read for it */
  const char *subject; /* put before the message of a failure: the picture's path; or NULL */
} or_cli_execution_t;
/* Ends the request, checks it, carries it out with progress, here or by --url. OK, or the exit code of what was printed; with --json the
 * TaskResponse is printed (also of a failure) when `print_response`. */
int or_cli_request_execute(or_cli_request_t *request, const or_cli_execution_t *execution, bool print_response,
                           or_cli_outcome_t *out);
/* Hands the request to the server and prints the task's id: it goes on alone. Takes the request; an exit code. */
int or_cli_request_async(or_cli_request_t *request);
/* Standard base64 (RFC 4648, section 4) as a JSON string. RESOURCE_EXHAUSTED: nothing is written. */
or_status_t or_cli_write_base64(or_cli_t *cli, or_json_writer_t *json, const void *bytes, size_t length);
void or_cli_outcome_deinit(or_cli_outcome_t *outcome);

#endif
