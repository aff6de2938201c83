#ifndef OR_BACKENDS_OPENCL_OPENCL_ABI_H
#define OR_BACKENDS_OPENCL_OPENCL_ABI_H
/* What we use of OpenCL 1.2, and of 2.0 where a device has it: types, numbers and signatures of our own, so that
 * nothing of OpenCL is needed to build. Source: The OpenCL Specification and its extensions, Khronos Group. Handles
 * have the tags of the standard's headers, so that opencl_abi_test.c can compare every signature with them. */

#include <stddef.h>
#include <stdint.h>

/* Handles. */
typedef struct _cl_platform_id *or_cl_platform_ref_t;
typedef struct _cl_device_id *or_cl_device_ref_t;
typedef struct _cl_context *or_cl_context_ref_t;
typedef struct _cl_command_queue *or_cl_queue_ref_t;
typedef struct _cl_mem *or_cl_mem_ref_t;
typedef struct _cl_program *or_cl_program_ref_t;
typedef struct _cl_kernel *or_cl_kernel_ref_t;
typedef struct _cl_event *or_cl_event_ref_t;

/* Error codes, and the execution status of events. X(name, value); opencl_abi_test.c compares them with CL_<name>. */
#define OR_CL_CODES(X)                              \
  X(SUCCESS, 0)                                     \
  X(DEVICE_NOT_FOUND, -1)                           \
  X(DEVICE_NOT_AVAILABLE, -2)                       \
  X(COMPILER_NOT_AVAILABLE, -3)                     \
  X(MEM_OBJECT_ALLOCATION_FAILURE, -4)              \
  X(OUT_OF_RESOURCES, -5)                           \
  X(OUT_OF_HOST_MEMORY, -6)                         \
  X(PROFILING_INFO_NOT_AVAILABLE, -7)               \
  X(BUILD_PROGRAM_FAILURE, -11)                     \
  X(EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, -14) \
  X(KERNEL_ARG_INFO_NOT_AVAILABLE, -19)             \
  X(INVALID_VALUE, -30)                             \
  X(INVALID_PLATFORM, -32)                          \
  X(INVALID_DEVICE, -33)                            \
  X(INVALID_CONTEXT, -34)                           \
  X(INVALID_QUEUE_PROPERTIES, -35)                  \
  X(INVALID_COMMAND_QUEUE, -36)                     \
  X(INVALID_MEM_OBJECT, -38)                        \
  X(INVALID_BINARY, -42)                            \
  X(INVALID_BUILD_OPTIONS, -43)                     \
  X(INVALID_PROGRAM, -44)                           \
  X(INVALID_PROGRAM_EXECUTABLE, -45)                \
  X(INVALID_KERNEL_NAME, -46)                       \
  X(INVALID_KERNEL_DEFINITION, -47)                 \
  X(INVALID_KERNEL, -48)                            \
  X(INVALID_ARG_INDEX, -49)                         \
  X(INVALID_ARG_VALUE, -50)                         \
  X(INVALID_ARG_SIZE, -51)                          \
  X(INVALID_KERNEL_ARGS, -52)                       \
  X(INVALID_WORK_DIMENSION, -53)                    \
  X(INVALID_WORK_GROUP_SIZE, -54)                   \
  X(INVALID_WORK_ITEM_SIZE, -55)                    \
  X(INVALID_GLOBAL_OFFSET, -56)                     \
  X(INVALID_EVENT, -58)                             \
  X(INVALID_OPERATION, -59)                         \
  X(INVALID_BUFFER_SIZE, -61)                       \
  X(INVALID_GLOBAL_WORK_SIZE, -63)                  \
  X(PLATFORM_NOT_FOUND_KHR, -1001)

/* Names of queries, and bits. */
#define OR_CL_NUMBERS(X)                      \
  X(PLATFORM_VERSION, 0x0901)                 \
  X(PLATFORM_NAME, 0x0902)                    \
  X(DEVICE_TYPE, 0x1000)                      \
  X(DEVICE_MAX_COMPUTE_UNITS, 0x1002)         \
  X(DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, 0x103A) \
  X(DEVICE_MAX_WORK_GROUP_SIZE, 0x1004)       \
  X(DEVICE_MAX_WORK_ITEM_SIZES, 0x1005)       \
  X(DEVICE_MAX_CLOCK_FREQUENCY, 0x100C)       \
  X(DEVICE_ADDRESS_BITS, 0x100D)              \
  X(DEVICE_MAX_MEM_ALLOC_SIZE, 0x1010)        \
  X(DEVICE_SINGLE_FP_CONFIG, 0x101B)          \
  X(DEVICE_GLOBAL_MEM_CACHE_SIZE, 0x101E)     \
  X(DEVICE_GLOBAL_MEM_SIZE, 0x101F)           \
  X(DEVICE_LOCAL_MEM_SIZE, 0x1023)            \
  X(DEVICE_ENDIAN_LITTLE, 0x1026)             \
  X(DEVICE_AVAILABLE, 0x1027)                 \
  X(DEVICE_COMPILER_AVAILABLE, 0x1028)        \
  X(DEVICE_NAME, 0x102B)                      \
  X(DRIVER_VERSION, 0x102D)                   \
  X(DEVICE_VERSION, 0x102F)                   \
  X(DEVICE_EXTENSIONS, 0x1030)                \
  X(DEVICE_HOST_UNIFIED_MEMORY, 0x1035)       \
  X(DEVICE_OPENCL_C_VERSION, 0x103D)          \
  X(DEVICE_SVM_CAPABILITIES, 0x1053)          \
  X(DEVICE_UUID_KHR, 0x106A)                  \
  X(DEVICE_TOPOLOGY_AMD, 0x4037)              \
  X(DEVICE_BOARD_NAME_AMD, 0x4038)            \
  X(DEVICE_PCI_BUS_INFO_KHR, 0x410F)          \
  X(DEVICE_TYPE_CPU, 1 << 1)                  \
  X(DEVICE_TYPE_GPU, 1 << 2)                  \
  X(DEVICE_TYPE_ACCELERATOR, 1 << 3)          \
  X(FP_CORRECTLY_ROUNDED_DIVIDE_SQRT, 1 << 7) \
  X(QUEUE_PROFILING_ENABLE, 1 << 1)           \
  X(DEVICE_SVM_FINE_GRAIN_BUFFER, 1 << 1)     \
  X(DEVICE_SVM_FINE_GRAIN_SYSTEM, 1 << 2)     \
  X(MEM_READ_WRITE, 1 << 0)                   \
  X(MEM_ALLOC_HOST_PTR, 1 << 4)               \
  X(MEM_SVM_FINE_GRAIN_BUFFER, 1 << 10)       \
  X(PROGRAM_BINARY_SIZES, 0x1165)             \
  X(PROGRAM_BINARIES, 0x1166)                 \
  X(PROGRAM_BUILD_LOG, 0x1183)                \
  X(KERNEL_NUM_ARGS, 0x1191)                  \
  X(KERNEL_ARG_ADDRESS_QUALIFIER, 0x1196)     \
  X(KERNEL_ARG_ACCESS_QUALIFIER, 0x1197)      \
  X(KERNEL_ARG_TYPE_NAME, 0x1198)             \
  X(KERNEL_ARG_TYPE_QUALIFIER, 0x1199)        \
  X(KERNEL_ARG_NAME, 0x119A)                  \
  X(KERNEL_ARG_ADDRESS_GLOBAL, 0x119B)        \
  X(KERNEL_ARG_ADDRESS_LOCAL, 0x119C)         \
  X(KERNEL_ARG_ADDRESS_CONSTANT, 0x119D)      \
  X(KERNEL_ARG_ADDRESS_PRIVATE, 0x119E)       \
  X(KERNEL_ARG_ACCESS_NONE, 0x11A3)           \
  X(KERNEL_ARG_TYPE_CONST, 1 << 0)            \
  X(KERNEL_ARG_TYPE_PIPE, 1 << 3)             \
  X(KERNEL_WORK_GROUP_SIZE, 0x11B0)           \
  X(KERNEL_COMPILE_WORK_GROUP_SIZE, 0x11B1)   \
  X(KERNEL_LOCAL_MEM_SIZE, 0x11B2)            \
  X(EVENT_COMMAND_EXECUTION_STATUS, 0x11D3)   \
  X(PROFILING_COMMAND_START, 0x1282)          \
  X(PROFILING_COMMAND_END, 0x1283)

/* Of NVIDIA's extension cl_nv_device_attribute_query. */
#define OR_CL_NUMBERS_NV(X)        \
  X(DEVICE_PCI_BUS_ID_NV, 0x4008)  \
  X(DEVICE_PCI_SLOT_ID_NV, 0x4009) \
  X(DEVICE_PCI_DOMAIN_ID_NV, 0x400A)

#define OR_CL_ENUMERATOR_(name, value) OR_CL_##name = (value),
enum { OR_CL_CODES(OR_CL_ENUMERATOR_) };
enum { OR_CL_NUMBERS(OR_CL_ENUMERATOR_) OR_CL_NUMBERS_NV(OR_CL_ENUMERATOR_) };
#undef OR_CL_ENUMERATOR_

/* Of cl_khr_pci_bus_info. */
typedef struct or_cl_pci_bus_info_t {
  uint32_t domain, bus, device, function;
} or_cl_pci_bus_info_t;
/* Of cl_amd_device_attribute_query: type 1 is PCI Express. */
typedef struct or_cl_topology_amd_t {
  uint32_t type;
  uint8_t unused[17], bus, device, function;
} or_cl_topology_amd_t;
#define OR_CL_UUID_BYTES 16

typedef void (*or_cl_context_notify_t)(const char *words, const void *information, size_t bytes, void *self);
typedef void (*or_cl_build_notify_t)(or_cl_program_ref_t program, void *self);

/* Functions without their "cl". X(name, result, parameters). A library that lacks one is of no use. */
#define OR_CL_SYMBOLS(X)                                                                                               \
  X(GetPlatformIDs, int32_t, (uint32_t, or_cl_platform_ref_t *, uint32_t *))                                           \
  X(GetPlatformInfo, int32_t, (or_cl_platform_ref_t, uint32_t, size_t, void *, size_t *))                              \
  X(GetDeviceIDs, int32_t, (or_cl_platform_ref_t, uint64_t, uint32_t, or_cl_device_ref_t *, uint32_t *))               \
  X(GetDeviceInfo, int32_t, (or_cl_device_ref_t, uint32_t, size_t, void *, size_t *))                                  \
  X(CreateContext, or_cl_context_ref_t,                                                                                \
    (const intptr_t *, uint32_t, const or_cl_device_ref_t *, or_cl_context_notify_t, void *, int32_t *))               \
  X(ReleaseContext, int32_t, (or_cl_context_ref_t))                                                                    \
  X(CreateCommandQueue, or_cl_queue_ref_t, (or_cl_context_ref_t, or_cl_device_ref_t, uint64_t, int32_t *))             \
  X(ReleaseCommandQueue, int32_t, (or_cl_queue_ref_t))                                                                 \
  X(Flush, int32_t, (or_cl_queue_ref_t))                                                                               \
  X(Finish, int32_t, (or_cl_queue_ref_t))                                                                              \
  X(CreateBuffer, or_cl_mem_ref_t, (or_cl_context_ref_t, uint64_t, size_t, void *, int32_t *))                         \
  X(ReleaseMemObject, int32_t, (or_cl_mem_ref_t))                                                                      \
  X(EnqueueReadBuffer, int32_t,                                                                                        \
    (or_cl_queue_ref_t, or_cl_mem_ref_t, uint32_t, size_t, size_t, void *, uint32_t, const or_cl_event_ref_t *,        \
     or_cl_event_ref_t *))                                                                                             \
  X(EnqueueWriteBuffer, int32_t,                                                                                       \
    (or_cl_queue_ref_t, or_cl_mem_ref_t, uint32_t, size_t, size_t, const void *, uint32_t, const or_cl_event_ref_t *,  \
     or_cl_event_ref_t *))                                                                                             \
  X(EnqueueCopyBuffer, int32_t,                                                                                        \
    (or_cl_queue_ref_t, or_cl_mem_ref_t, or_cl_mem_ref_t, size_t, size_t, size_t, uint32_t, const or_cl_event_ref_t *, \
     or_cl_event_ref_t *))                                                                                             \
  X(EnqueueFillBuffer, int32_t,                                                                                        \
    (or_cl_queue_ref_t, or_cl_mem_ref_t, const void *, size_t, size_t, size_t, uint32_t, const or_cl_event_ref_t *,    \
     or_cl_event_ref_t *))                                                                                             \
  X(CreateProgramWithSource, or_cl_program_ref_t,                                                                      \
    (or_cl_context_ref_t, uint32_t, const char **, const size_t *, int32_t *))                                         \
  X(CreateProgramWithBinary, or_cl_program_ref_t,                                                                      \
    (or_cl_context_ref_t, uint32_t, const or_cl_device_ref_t *, const size_t *, const unsigned char **, int32_t *,     \
     int32_t *))                                                                                                       \
  X(BuildProgram, int32_t,                                                                                             \
    (or_cl_program_ref_t, uint32_t, const or_cl_device_ref_t *, const char *, or_cl_build_notify_t, void *))           \
  X(GetProgramInfo, int32_t, (or_cl_program_ref_t, uint32_t, size_t, void *, size_t *))                                \
  X(GetProgramBuildInfo, int32_t, (or_cl_program_ref_t, or_cl_device_ref_t, uint32_t, size_t, void *, size_t *))       \
  X(ReleaseProgram, int32_t, (or_cl_program_ref_t))                                                                    \
  X(CreateKernel, or_cl_kernel_ref_t, (or_cl_program_ref_t, const char *, int32_t *))                                  \
  X(ReleaseKernel, int32_t, (or_cl_kernel_ref_t))                                                                      \
  X(SetKernelArg, int32_t, (or_cl_kernel_ref_t, uint32_t, size_t, const void *))                                       \
  X(GetKernelInfo, int32_t, (or_cl_kernel_ref_t, uint32_t, size_t, void *, size_t *))                                  \
  X(GetKernelArgInfo, int32_t, (or_cl_kernel_ref_t, uint32_t, uint32_t, size_t, void *, size_t *))                     \
  X(GetKernelWorkGroupInfo, int32_t, (or_cl_kernel_ref_t, or_cl_device_ref_t, uint32_t, size_t, void *, size_t *))     \
  X(EnqueueNDRangeKernel, int32_t,                                                                                     \
    (or_cl_queue_ref_t, or_cl_kernel_ref_t, uint32_t, const size_t *, const size_t *, const size_t *, uint32_t,        \
     const or_cl_event_ref_t *, or_cl_event_ref_t *))                                                                  \
  X(WaitForEvents, int32_t, (uint32_t, const or_cl_event_ref_t *))                                                     \
  X(GetEventInfo, int32_t, (or_cl_event_ref_t, uint32_t, size_t, void *, size_t *))                                    \
  X(GetEventProfilingInfo, int32_t, (or_cl_event_ref_t, uint32_t, size_t, void *, size_t *))                           \
  X(ReleaseEvent, int32_t, (or_cl_event_ref_t))

/* Of OpenCL 2.0: NULL where the library has none. */
#define OR_CL_OPTIONAL_SYMBOLS(X)                                                                    \
  X(SVMAlloc, void *, (or_cl_context_ref_t, uint64_t, size_t, uint32_t))                             \
  X(SVMFree, void, (or_cl_context_ref_t, void *))                                                    \
  X(SetKernelArgSVMPointer, int32_t, (or_cl_kernel_ref_t, uint32_t, const void *))                   \
  X(EnqueueSVMMemcpy, int32_t,                                                                       \
    (or_cl_queue_ref_t, uint32_t, void *, const void *, size_t, uint32_t, const or_cl_event_ref_t *, \
     or_cl_event_ref_t *))

#endif
