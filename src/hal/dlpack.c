#include <string.h>

#include "base/alloc.h"
#include "hal/device.h"
#include "hal/dlpack_abi.h"
#include "hal/tensor.h"

static const struct {
  or_dtype_t dtype;
  uint8_t code, bits;
} dtype_table[] = {
    {OR_INT8, OR_DL_INT, 8},
    {OR_INT16, OR_DL_INT, 16},
    {OR_INT32, OR_DL_INT, 32},
    {OR_INT64, OR_DL_INT, 64},
    {OR_UINT8, OR_DL_UINT, 8},
    {OR_UINT16, OR_DL_UINT, 16},
    {OR_UINT32, OR_DL_UINT, 32},
    {OR_UINT64, OR_DL_UINT, 64},
    {OR_FLOAT16, OR_DL_FLOAT, 16},
    {OR_FLOAT32, OR_DL_FLOAT, 32},
    {OR_FLOAT64, OR_DL_FLOAT, 64},
    {OR_BFLOAT16, OR_DL_BFLOAT, 16},
    {OR_COMPLEX64, OR_DL_COMPLEX, 64},
    {OR_COMPLEX128, OR_DL_COMPLEX, 128},
    {OR_BOOL, OR_DL_BOOL, 8},
    {OR_FLOAT8E4M3FN, OR_DL_FLOAT8_E4M3FN, 8},
    {OR_FLOAT8E4M3FNUZ, OR_DL_FLOAT8_E4M3FNUZ, 8},
    {OR_FLOAT8E5M2, OR_DL_FLOAT8_E5M2, 8},
    {OR_FLOAT8E5M2FNUZ, OR_DL_FLOAT8_E5M2FNUZ, 8},
    {OR_FLOAT8E8M0, OR_DL_FLOAT8_E8M0FNU, 8},
};
#define DTYPE_TABLE_COUNT (sizeof dtype_table / sizeof dtype_table[0])

static or_status_t dtype_from_dlpack(or_dl_dtype_t dtype, or_dtype_t *out);
static or_status_t shape_from_dlpack(const or_dl_tensor_t *tensor, or_shape_t *out);
static bool is_dense(const or_dl_tensor_t *tensor, const or_shape_t *shape);

static void delete_imported(void *self) {
  or_dl_managed_t *managed = self;
  if (managed->deleter != NULL) managed->deleter(managed);
}

or_status_t or_tensor_from_dlpack_on(or_device_t *host_device, void *managed_tensor, or_tensor_t **out) {
  *out = NULL;
  if (managed_tensor == NULL) return or_error(OR_INVALID_ARGUMENT, "DLPack: the tensor is NULL");
  or_dl_managed_t *managed = managed_tensor;
  const or_dl_tensor_t *tensor = &managed->tensor;
  if (tensor->device.type != OR_DL_CPU) {
    return or_error(
        OR_UNIMPLEMENTED,
        "DLPack: the tensor is on a device of type %d; only host memory (type %d) is taken: copy it there first",
        (int)tensor->device.type, OR_DL_CPU);
  }
  or_dtype_t dtype = OR_DTYPE_NONE;
  or_shape_t shape;
  or_status_t status = dtype_from_dlpack(tensor->dtype, &dtype);
  if (or_ok(status)) status = shape_from_dlpack(tensor, &shape);
  if (!or_ok(status)) return status;
  if (!is_dense(tensor, &shape)) {
    return or_error(OR_UNIMPLEMENTED, "DLPack: the strides are not dense row-major; make the tensor contiguous first");
  }
  char *data = tensor->data;
  if (data != NULL) data += tensor->byte_offset;
  or_owner_t owner = {.self = managed, .release = delete_imported};
  return or_status_context(or_tensor_wrap_on(host_device, dtype, shape, data, owner, out), "DLPack");
}

static or_status_t dtype_from_dlpack(or_dl_dtype_t dtype, or_dtype_t *out) {
  if (dtype.lanes != 1) return or_error(OR_UNIMPLEMENTED, "DLPack: %u lanes; only 1 is taken", dtype.lanes);
  for (size_t i = 0; i < DTYPE_TABLE_COUNT; ++i) {
    if (dtype_table[i].code != dtype.code || dtype_table[i].bits != dtype.bits) continue;
    *out = dtype_table[i].dtype;
    return or_status_success();
  }
  return or_error(OR_UNIMPLEMENTED, "DLPack: no dtype here has type code %u with %u bits", dtype.code, dtype.bits);
}

static or_status_t shape_from_dlpack(const or_dl_tensor_t *tensor, or_shape_t *out) {
  if (tensor->rank < 0 || tensor->rank > OR_MAX_RANK) {
    return or_error(OR_INVALID_ARGUMENT, "DLPack: rank %d; a tensor has 0 to %d dimensions", (int)tensor->rank,
                    OR_MAX_RANK);
  }
  if (tensor->rank > 0 && tensor->shape == NULL)
    return or_error(OR_INVALID_ARGUMENT, "DLPack: the shape is NULL at rank %d", (int)tensor->rank);
  *out = or_shape_make((size_t)tensor->rank, tensor->shape);
  return or_status_success();
}

/* Strides of dimensions of extent 1, and all strides of an empty tensor, say nothing. */
static bool is_dense(const or_dl_tensor_t *tensor, const or_shape_t *shape) {
  uint64_t count = 0;
  if (tensor->strides == NULL || !or_shape_count(shape, &count) || count == 0) return true;
  int64_t expected = 1;
  for (int32_t i = shape->rank; i-- > 0;) {
    if (shape->dims[i] != 1 && tensor->strides[i] != expected) return false;
    expected *= shape->dims[i]; /* at most `count` */
  }
  return true;
}

typedef struct exported_t {
  or_dl_managed_t managed; /* first: the deleter is given its address */
  or_tensor_t *tensor;
  int64_t shape[OR_MAX_RANK], strides[OR_MAX_RANK];
} exported_t;

static void delete_exported(or_dl_managed_t *managed) {
  exported_t *exported = managed->context;
  const or_allocator_t *allocator = or_device_allocator(or_tensor_device(exported->tensor));
  or_tensor_release(exported->tensor);
  or_free(allocator, exported);
}

or_status_t or_tensor_to_dlpack(or_tensor_t *tensor, void **out) {
  *out = NULL;
  or_device_t *device = or_tensor_device(tensor);
  if (or_tensor_data(tensor) == NULL) {
    return or_error(OR_UNIMPLEMENTED,
                    "DLPack: the host can't reach the memory of device \"%s\"; copy the tensor to the host first",
                    or_device_facts(device)->id);
  }
  size_t row = 0;
  while (row < DTYPE_TABLE_COUNT && dtype_table[row].dtype != or_tensor_dtype(tensor)) ++row;
  if (row == DTYPE_TABLE_COUNT)
    return or_error(OR_UNIMPLEMENTED, "DLPack has no type for %s here", or_dtype_name(or_tensor_dtype(tensor)));

  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(or_device_allocator(device), sizeof(exported_t), &memory);
  if (!or_ok(status)) return status;
  exported_t *exported = memory;
  const or_shape_t *shape = or_tensor_shape(tensor);
  int64_t stride = 1;
  for (int32_t i = shape->rank; i-- > 0;) {
    exported->shape[i] = shape->dims[i];
    exported->strides[i] = stride;
    stride *= shape->dims[i] > 0 ? shape->dims[i] : 1;
  }
  or_tensor_retain(tensor);
  exported->tensor = tensor;
  exported->managed = (or_dl_managed_t){
      .tensor = {.data = (void *)(uintptr_t)or_tensor_data(tensor), /* DLPack has no word for read-only */
                 .device = {.type = OR_DL_CPU},
                 .rank = shape->rank,
                 .dtype = {.code = dtype_table[row].code, .bits = dtype_table[row].bits, .lanes = 1},
                 .shape = exported->shape,
                 .strides = exported->strides},
      .context = exported,
      .deleter = delete_exported,
  };
  *out = &exported->managed;
  return or_status_success();
}
