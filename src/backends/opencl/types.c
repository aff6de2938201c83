#include "backends/opencl/families_internal.h"
#include "ops/extents.h"

const char *or_cl_type_name(const or_cl_device_t *device, or_dtype_t dtype) {
  switch (dtype) {
  case OR_FLOAT32: return "float";
  case OR_FLOAT16: return "half";
  case OR_BFLOAT16: return "bf16";
  case OR_FLOAT64: return or_cl_device_traits(device)->fp64 ? "double" : NULL;
  case OR_INT8: return "char";
  case OR_BOOL:
  case OR_UINT8: return "uchar";
  case OR_INT16: return "short";
  case OR_UINT16: return "ushort";
  case OR_INT32: return "int";
  case OR_UINT32: return "uint";
  case OR_INT64: return "long";
  case OR_UINT64: return "ulong";
  default: return NULL;
  }
}

const char *or_cl_unsigned_name(or_dtype_t dtype) {
  switch (dtype) {
  case OR_INT8:
  case OR_UINT8: return "uchar";
  case OR_INT16:
  case OR_UINT16: return "ushort";
  case OR_INT32:
  case OR_UINT32: return "uint";
  case OR_INT64:
  case OR_UINT64: return "ulong";
  default: return NULL;
  }
}

const char *or_cl_bytes_name(or_dtype_t dtype) {
  if (dtype == OR_STRING) return NULL;
  switch (or_dtype_bits(dtype)) {
  case 8: return "uchar";
  case 16: return "ushort";
  case 32: return "uint";
  case 64: return "ulong";
  case 128: return "ulong2";
  default: return NULL;
  }
}

bool or_cl_is_float(const or_cl_device_t *device, or_dtype_t dtype) {
  return or_dtype_is_one_of(dtype, OR_OP_FLOATS) && or_cl_type_name(device, dtype) != NULL;
}

uint32_t or_cl_vector_width(const or_cl_device_t *device, or_dtype_t dtype) {
  if (!or_cl_device_traits(device)->is_cpu) return 1;
  return or_dtype_bits(dtype) > 64 ? 1 : or_dtype_bits(dtype) > 32 ? 8 : 16;
}
