#ifndef OR_CLI_VERIFY_H
#define OR_CLI_VERIFY_H
/* One model checked: on its test data, on two devices, or against the C reference. */

#include "cli/cli.h"

typedef enum or_verdict_t {
  OR_VERDICT_PASSED,
  OR_VERDICT_REFUSED, /* what is not there, said by name; test data that contradicts the model */
  OR_VERDICT_WRONG,   /* it ran, and the result differs */
  OR_VERDICT_FAILED,  /* it could not be loaded or run, or its data is missing */
} or_verdict_t;
#define OR_VERDICT_COUNT 4
const char *or_verdict_name(or_verdict_t verdict);

typedef struct or_verification_t {
  or_verdict_t verdict;
  char detail[400];     /* the first difference, or the error; "" */
  size_t sets, outputs; /* data sets and outputs compared */
  double max_abs, max_rel, mean_abs;
  double flops_on_device; /* share, the least of all runs; NaN if none ran */
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

#endif
