#ifndef OR_CLI_REQUEST_H
#define OR_CLI_REQUEST_H
/* From flags to a TaskRequest, as POST /tasks takes it, and from its outcome to the terminal: run, infer and benchmark
   share this. */

#include "base/multipart.h"
#include "cli/cli.h"

/* A request being written: the envelope is open and the fields of `data` follow. */
typedef struct or_cli_request_t {
  or_cli_t *cli;
  or_text_t text;
  or_json_writer_t json;
  or_status_t status; /* of its fields: what could not be read for want of memory */
  char task_id[40];   /* made here, so that a server's task can be asked about while it is waited for */
  /* Bytes beside the JSON, which names them: {"part": NAME}. The caller's, until the request is carried out. */
  or_task_part_t parts[OR_MULTIPART_MAX_PARTS];
  char part_names[OR_MULTIPART_MAX_PARTS][16];
  size_t part_count;
  bool benchmark; /* the fields alone, for POST /benchmark */
} or_cli_request_t;
void or_cli_request_begin(or_cli_request_t *request, or_cli_t *cli, const char *operation);
/* The request of `benchmark`: a server has a route of its own for it, which a strict device is not of. */
void or_cli_request_begin_benchmark(or_cli_request_t *request, or_cli_t *cli);
/* Bytes beside the JSON, of which {"part": NAME} is written; NAME is `name` and a number. False: there is no room for
 * more, and nothing is written. */
bool or_cli_request_part(or_cli_request_t *request, const char *name, const void *data, size_t bytes);
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
  struct or_kernel_registry_t *kernels; /* where a kernel's task finds its kernel; NULL: among those that are kept */
  bool wants_outputs;                   /* the outcome's tensors; a server's are read for it */
  const char *subject;                  /* put before the message of a failure: the picture's path; or NULL */
} or_cli_execution_t;
/* Ends the request, checks it, carries it out with progress, here or by --url. OK, or the exit code of what was
 * printed; with --json the TaskResponse is printed (also of a failure) when `print_response`. */
int or_cli_request_execute(or_cli_request_t *request, const or_cli_execution_t *execution, bool print_response,
                           or_cli_outcome_t *out);
/* Hands the request to the server and prints the task's id: it goes on alone. Takes the request; an exit code. */
int or_cli_request_async(or_cli_request_t *request);
/* On stderr: where it ran, if not where it was told to. */
void or_cli_tell_fallback(const or_cli_t *cli, const or_task_result_t *result);
void or_cli_outcome_deinit(or_cli_outcome_t *outcome);

#endif
