#ifndef OR_TASK_KERNEL_RECORD_H
#define OR_TASK_KERNEL_RECORD_H
/* What is known of a kernel that a user brought: its source, and how it was compiled. As a document it is what a server
 * keeps in its store and the command line in a folder. */

#include "base/json.h"
#include "openruntime/kernel.h"

#define OR_KERNEL_NAME_BYTES 128u         /* [A-Za-z_][A-Za-z0-9_]* */
#define OR_KERNEL_SOURCE_BYTES (1u << 20) /* of source code, by default */
#define OR_KERNEL_OPTIONS_BYTES 4096u     /* of the compiler's options together */
#define OR_KERNEL_NAME_RULE "must be letters, digits and '_', at most 128, and must not start with a digit"
bool or_kernel_name_valid(const char *name); /* also of an entry point */

typedef struct or_kernel_record_t {
  const char *owner; /* id of the API key; "": there are none */
  const char *name, *entry;
  const char *target; /* as asked: a device's id or type; "auto" */
  const char *source;
  size_t source_bytes;
  const char *parameters; /* as they came, JSON; "null": none */
  const char *options;    /* made of them, for the compiler; "" */
  const char *facts;      /* a Kernel (docs/api.md), JSON; NULL: never compiled */
} or_kernel_record_t;

/* Compiler options from `parameters`: an object of macros ({"N": 4} is -DN=4), or an array of options, of which
 * -D, -U, -w, -Werror and -cl-… are taken: none that opens a file. Appends to `options`. INVALID_ARGUMENT; `field` is
 * then what is wrong: "parameters", "parameters.N". */
#define OR_KERNEL_FIELD_BYTES 160u
or_status_t or_kernel_options_read(const or_json_value_t *parameters, or_text_t *options,
                                   char field[OR_KERNEL_FIELD_BYTES]);

or_status_t or_kernel_record_write(const or_kernel_record_t *record, or_text_t *text);
/* Texts are borrowed from the document and from `made`, both the caller's. DATA_LOSS: it is no such document. */
typedef struct or_kernel_reading_t {
  or_json_document_t *document;
  or_text_t parameters, options, facts;
} or_kernel_reading_t;
or_status_t or_kernel_record_read(const or_allocator_t *allocator, const char *text, size_t length,
                                  or_kernel_reading_t *made, or_kernel_record_t *out);
void or_kernel_reading_deinit(or_kernel_reading_t *made);

/* The Kernel object of what was compiled. `log`: the compiler's words. */
void or_kernel_facts_write(or_json_writer_t *json, const or_kernel_record_t *record, const or_kernel_facts_t *facts,
                           const char *log);

#endif
