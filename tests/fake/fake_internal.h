#ifndef OR_TESTS_FAKE_FAKE_INTERNAL_H
#define OR_TESTS_FAKE_FAKE_INTERNAL_H
#include "fake/fake.h"

/* One opened device. */
typedef struct fake_device_t {
  const or_host_t *host;
  or_device_t *device;
  uint32_t index;
} fake_device_t;

/* What a memory's handle points to. */
typedef struct fake_memory_t {
  uint32_t magic;
  uint32_t index; /* of its device */
  size_t bytes;
  unsigned char *data;
  bool wrapped; /* the data is a caller's */
} fake_memory_t;
#define FAKE_MEMORY_MAGIC 0xfa4e0001u
#define FAKE_POISON 0xcd /* fills new memory and each run's workspace */

/* fake_control.c: counts the call, waits at its gate, and gives what the test asked for. */
or_status_t fake_arrive(const fake_device_t *device, or_fake_call_t call);
or_status_t fake_reserve(uint64_t bytes);
void fake_unreserve(uint64_t bytes);
void fake_object_made(void);
void fake_object_gone(void);
uint32_t fake_device_count(bool *shared_hardware);
uint64_t fake_capacity(void);
bool fake_supports_operator(const char *op);
bool fake_supports_fused(void);
bool fake_queue_is_optional(void);
float fake_error_of(const char *op); /* 0: it computes rightly */
bool fake_is_unified(uint32_t index);
bool fake_has_kernels(void);

/* fake_memory.c: entries of the device's table, and the bytes behind a range. */
or_status_t fake_memory_alloc(void *self, size_t bytes, or_memory_t *out);
void fake_memory_release(void *self, or_memory_t *memory);
or_status_t fake_memory_wrap(void *self, void *host, size_t bytes, or_memory_t *out);
or_status_t fake_write(void *self, or_memory_t *memory, size_t offset, const void *source, size_t bytes);
or_status_t fake_read(void *self, const or_memory_t *memory, size_t offset, void *destination, size_t bytes);
or_status_t fake_copy(void *self, const or_memory_t *source, size_t source_offset, or_memory_t *destination,
                      size_t destination_offset, size_t bytes);
unsigned char *fake_bytes(const or_memory_t *memory);

/* fake_compile.c */
or_status_t fake_supports(void *self, const or_subgraph_t *subgraph, const or_node_t *node, or_support_t *out);
or_status_t fake_compile(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out);

/* fake_kernel.c */
or_status_t fake_kernel_compile(void *self, void *queue, const or_kernel_source_t *source, or_backend_kernel_t *out);

#endif
