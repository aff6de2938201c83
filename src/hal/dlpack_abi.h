#ifndef OR_HAL_DLPACK_ABI_H
#define OR_HAL_DLPACK_ABI_H
/* The part of DLPack's ABI that we use (https://dmlc.github.io/dlpack/latest/c_api.html, DLManagedTensor), in
 * declarations of our own. */

#include <stdint.h>

enum { OR_DL_CPU = 1 }; /* DLDeviceType */

/* DLDataTypeCode */
enum {
  OR_DL_INT = 0,
  OR_DL_UINT = 1,
  OR_DL_FLOAT = 2,
  OR_DL_BFLOAT = 4,
  OR_DL_COMPLEX = 5,
  OR_DL_BOOL = 6,
  OR_DL_FLOAT8_E4M3FN = 10,
  OR_DL_FLOAT8_E4M3FNUZ = 11,
  OR_DL_FLOAT8_E5M2 = 12,
  OR_DL_FLOAT8_E5M2FNUZ = 13,
  OR_DL_FLOAT8_E8M0FNU = 14,
};

typedef struct or_dl_device_t {
  int32_t type, id;
} or_dl_device_t;

typedef struct or_dl_dtype_t {
  uint8_t code, bits;
  uint16_t lanes;
} or_dl_dtype_t;

typedef struct or_dl_tensor_t {
  void *data;
  or_dl_device_t device;
  int32_t rank;
  or_dl_dtype_t dtype;
  int64_t *shape;
  int64_t *strides; /* in elements; NULL: dense row-major */
  uint64_t byte_offset;
} or_dl_tensor_t;

typedef struct or_dl_managed_t {
  or_dl_tensor_t tensor;
  void *context;
  void (*deleter)(struct or_dl_managed_t *self); /* may be NULL */
} or_dl_managed_t;

_Static_assert(sizeof(or_dl_dtype_t) == 4, "DLDataType");
_Static_assert(sizeof(void *) != 8 || sizeof(or_dl_tensor_t) == 48, "DLTensor");
_Static_assert(sizeof(void *) != 8 || sizeof(or_dl_managed_t) == 64, "DLManagedTensor");

#endif
