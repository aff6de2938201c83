#ifndef OR_CLI_VERIFY_H
#define OR_CLI_VERIFY_H
/* One model checked: on its test data, on two devices, or against the C reference. */

#include "cli/models.h"

typedef enum or_verdict_t {
  OR_VERDICT_PASSED,
  OR_VERDICT_REFUSED, /* what is not there, said by name; test data that contradicts the model */
  OR_VERDICT_WRONG,   /* it ran, and the result differs */
  OR_VERDICT_FAILED,  /* it could not be loaded or run, or its data is missing */
} or_verdict_t;
#define OR_VERDICT_COUNT 4
const char *or_verdict_name(or_verdict_t verdict);

/* What part of the flops a device carried out (of the nodes, where there are no flops). */
typedef struct or_verify_share_t {
  char device[32]; /* "": none */
  double share;    /* 0..1 */
} or_verify_share_t;
#define OR_VERIFY_SHARES 2 /* the device that was named, and the one that takes the rest */

/* The first node whose result differs between two devices, which get the same input. */
typedef struct or_departure_t {
  char node[128], op[64], value[128]; /* node "": not looked for, or not found */
  double max_abs;
  size_t nodes, probes; /* nodes before the wrong output; how many cuts were compared */
} or_departure_t;

#define OR_VERIFY_KERNELS 8
typedef struct or_verification_t {
  or_verdict_t verdict;
  char detail[400];     /* the first difference, or the error; "" */
  size_t sets, outputs; /* data sets and outputs compared */
  double max_abs, max_rel, mean_abs;
  double flops_on_device;                        /* share, the least of all runs; NaN if none ran */
  double flops_on_other;                         /* the same of the second device; NaN if there is none */
  or_verify_share_t shares[2][OR_VERIFY_SHARES]; /* of each side; the second is empty where there is test data */
  char kernels[OR_VERIFY_KERNELS][48]; /* what carried nodes of the first side out, each once; "" behind the last */
  size_t wrong_output;                 /* index of the first that differs */
  or_departure_t departure;
} or_verification_t;

typedef struct or_verify_options_t {
  double rtol, atol;
  or_dtype_t precision;         /* on `device`; the other side computes exactly */
  or_device_t *device, *other;  /* other: NULL, or the device to compare with */
  bool reference;               /* compare with the C reference */
  const char *output_directory; /* NULL, or where outputs are written: DIR/CASE/test_data_set_N/NAME.npy */
} or_verify_options_t;

/* The case of a folder with model.onnx, or of an .onnx file, with its test_data_set_* beside it. `name` is used below
   output_directory. */
void or_verify_data(or_cli_t *cli, const char *path, const char *name, const or_verify_options_t *options,
                    or_verification_t *out);
/* Generated inputs on two devices, or a device and the reference. */
void or_verify_pair(or_cli_t *cli, const char *path, const or_verify_options_t *options, or_verification_t *out);

/* What the files of verify share. Compares element by element; dtype and shape must be the same; the first thing that
   differs becomes the detail. */
or_status_t or_verify_compare(or_cli_t *cli, const char *name, const or_tensor_t *actual, const or_tensor_t *expected,
                              const or_verify_options_t *options, or_verification_t *out);

/* An input or output of a model in a data set: a tensor, or a value of another form. Reads SET/KIND_<index>.pb into
 * host memory, the binding's `tensor` or `value`. NOT_FOUND ends a series. */
or_status_t or_verify_read(or_cli_t *cli, const char *set, const char *kind, size_t index,
                           const or_model_value_t *declared, or_binding_t *out);
/* Compares what `actual` holds with what `expected` does; the first thing that differs becomes the detail. */
or_status_t or_verify_compare_bindings(or_cli_t *cli, const or_binding_t *actual, const or_binding_t *expected,
                                       const or_verify_options_t *options, or_verification_t *out);
or_status_t or_verify_write(or_cli_t *cli, const char *directory, const or_binding_t *output);
void or_verify_release(or_binding_t *binding); /* what it holds; it is empty then */
/* Finds the first node that departs, by bisection over what each prefix of the graph hands on, and describes it in
   `out`. `inputs` are those that made output `out->wrong_output` differ. */
or_status_t or_verify_find_departure(or_cli_t *cli, or_model_t *model, const or_verify_options_t *options,
                                     const or_model_inputs_t *inputs, or_verification_t *out);

#endif
