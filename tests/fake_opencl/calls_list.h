/* X(form, name, object, parameters, arguments): the entry points that are forwarded. Handles are void *, whatever they
 * are of; forms:
 *   STATUS   gives a status; a call that is to fail is not forwarded
 *   ENQUEUE  the same, with an event last, which is counted
 *   FORWARD  gives a status; forwarded even where it is to fail: what is under way ends, what is held is given back
 *   RETAIN, RELEASE  a STATUS and a FORWARD that change how many references to objects of that kind there are
 *   CREATE   gives an object, its error last */
/* clang-format off */
X(STATUS, clGetPlatformIDs, NONE, (uint32_t room, void **out, uint32_t *count), (room, out, count))
X(STATUS, clGetPlatformInfo, NONE, (void *platform, uint32_t name, size_t room, void *out, size_t *bytes),
  (platform, name, room, out, bytes))
X(STATUS, clGetContextInfo, NONE, (void *context, uint32_t name, size_t room, void *out, size_t *bytes),
  (context, name, room, out, bytes))
X(STATUS, clGetCommandQueueInfo, NONE, (void *queue, uint32_t name, size_t room, void *out, size_t *bytes),
  (queue, name, room, out, bytes))
X(STATUS, clGetMemObjectInfo, NONE, (void *memory, uint32_t name, size_t room, void *out, size_t *bytes),
  (memory, name, room, out, bytes))
X(STATUS, clGetProgramInfo, NONE, (void *program, uint32_t name, size_t room, void *out, size_t *bytes),
  (program, name, room, out, bytes))
X(STATUS, clGetKernelInfo, NONE, (void *kernel, uint32_t name, size_t room, void *out, size_t *bytes),
  (kernel, name, room, out, bytes))
X(STATUS, clGetKernelArgInfo, NONE,
  (void *kernel, uint32_t index, uint32_t name, size_t room, void *out, size_t *bytes),
  (kernel, index, name, room, out, bytes))
X(STATUS, clGetEventInfo, NONE, (void *event, uint32_t name, size_t room, void *out, size_t *bytes),
  (event, name, room, out, bytes))
X(STATUS, clGetEventProfilingInfo, NONE, (void *event, uint32_t name, size_t room, void *out, size_t *bytes),
  (event, name, room, out, bytes))
X(STATUS, clCreateSubDevices, NONE,
  (void *device, const intptr_t *properties, uint32_t room, void **out, uint32_t *count),
  (device, properties, room, out, count))
X(STATUS, clRetainDevice, NONE, (void *device), (device))
X(STATUS, clReleaseDevice, NONE, (void *device), (device))
X(STATUS, clUnloadPlatformCompiler, NONE, (void *platform), (platform))
X(STATUS, clCreateKernelsInProgram, NONE, (void *program, uint32_t room, void **out, uint32_t *count),
  (program, room, out, count))
X(STATUS, clSetKernelArg, NONE, (void *kernel, uint32_t index, size_t bytes, const void *value),
  (kernel, index, bytes, value))
X(STATUS, clSetKernelArgSVMPointer, NONE, (void *kernel, uint32_t index, const void *value), (kernel, index, value))
X(STATUS, clSetKernelExecInfo, NONE, (void *kernel, uint32_t name, size_t bytes, const void *value),
  (kernel, name, bytes, value))
X(STATUS, clSetEventCallback, NONE,
  (void *event, int32_t when, void (*callback)(void *, int32_t, void *), void *self), (event, when, callback, self))
X(STATUS, clBuildProgram, NONE,
  (void *program, uint32_t count, void *const *devices, const char *options, void (*callback)(void *, void *),
   void *self),
  (program, count, devices, options, callback, self))
X(STATUS, clCompileProgram, NONE,
  (void *program, uint32_t count, void *const *devices, const char *options, uint32_t header_count,
   void *const *headers, const char **names, void (*callback)(void *, void *), void *self),
  (program, count, devices, options, header_count, headers, names, callback, self))
X(FORWARD, clSetUserEventStatus, NONE, (void *event, int32_t ended), (event, ended))
X(FORWARD, clFlush, NONE, (void *queue), (queue))
X(FORWARD, clFinish, NONE, (void *queue), (queue))
X(FORWARD, clWaitForEvents, NONE, (uint32_t count, void *const *events), (count, events))
X(RETAIN, clRetainContext, CONTEXT, (void *object), (object))
X(RETAIN, clRetainCommandQueue, QUEUE, (void *object), (object))
X(RETAIN, clRetainMemObject, MEMORY, (void *object), (object))
X(RETAIN, clRetainProgram, PROGRAM, (void *object), (object))
X(RETAIN, clRetainKernel, KERNEL, (void *object), (object))
X(RETAIN, clRetainEvent, EVENT, (void *object), (object))
X(RELEASE, clReleaseContext, CONTEXT, (void *object), (object))
X(RELEASE, clReleaseCommandQueue, QUEUE, (void *object), (object))
X(RELEASE, clReleaseMemObject, MEMORY, (void *object), (object))
X(RELEASE, clReleaseProgram, PROGRAM, (void *object), (object))
X(RELEASE, clReleaseKernel, KERNEL, (void *object), (object))
X(RELEASE, clReleaseEvent, EVENT, (void *object), (object))
X(CREATE, clCreateContext, CONTEXT,
  (const intptr_t *properties, uint32_t count, void *const *devices,
   void (*callback)(const char *, const void *, size_t, void *), void *self, int32_t *error),
  (properties, count, devices, callback, self, error))
X(CREATE, clCreateCommandQueue, QUEUE, (void *context, void *device, uint64_t properties, int32_t *error),
  (context, device, properties, error))
X(CREATE, clCreateCommandQueueWithProperties, QUEUE,
  (void *context, void *device, const uint64_t *properties, int32_t *error), (context, device, properties, error))
X(CREATE, clCreateBuffer, MEMORY, (void *context, uint64_t flags, size_t bytes, void *host, int32_t *error),
  (context, flags, bytes, host, error))
X(CREATE, clCreateSubBuffer, MEMORY,
  (void *memory, uint64_t flags, uint32_t type, const void *region, int32_t *error),
  (memory, flags, type, region, error))
X(CREATE, clCreateProgramWithSource, PROGRAM,
  (void *context, uint32_t count, const char **strings, const size_t *lengths, int32_t *error),
  (context, count, strings, lengths, error))
X(CREATE, clCreateProgramWithBinary, PROGRAM,
  (void *context, uint32_t count, void *const *devices, const size_t *lengths, const unsigned char **binaries,
   int32_t *statuses, int32_t *error),
  (context, count, devices, lengths, binaries, statuses, error))
X(CREATE, clCreateKernel, KERNEL, (void *program, const char *name, int32_t *error), (program, name, error))
X(CREATE, clCreateUserEvent, EVENT, (void *context, int32_t *error), (context, error))
X(ENQUEUE, clEnqueueReadBuffer, NONE,
  (void *queue, void *memory, uint32_t blocking, size_t offset, size_t bytes, void *out, uint32_t wait_count,
   void *const *waits, void **event),
  (queue, memory, blocking, offset, bytes, out, wait_count, waits, event))
X(ENQUEUE, clEnqueueWriteBuffer, NONE,
  (void *queue, void *memory, uint32_t blocking, size_t offset, size_t bytes, const void *in, uint32_t wait_count,
   void *const *waits, void **event),
  (queue, memory, blocking, offset, bytes, in, wait_count, waits, event))
X(ENQUEUE, clEnqueueCopyBuffer, NONE,
  (void *queue, void *from, void *to, size_t from_offset, size_t to_offset, size_t bytes, uint32_t wait_count,
   void *const *waits, void **event),
  (queue, from, to, from_offset, to_offset, bytes, wait_count, waits, event))
X(ENQUEUE, clEnqueueFillBuffer, NONE,
  (void *queue, void *memory, const void *pattern, size_t pattern_bytes, size_t offset, size_t bytes,
   uint32_t wait_count, void *const *waits, void **event),
  (queue, memory, pattern, pattern_bytes, offset, bytes, wait_count, waits, event))
X(ENQUEUE, clEnqueueUnmapMemObject, NONE,
  (void *queue, void *memory, void *mapped, uint32_t wait_count, void *const *waits, void **event),
  (queue, memory, mapped, wait_count, waits, event))
X(ENQUEUE, clEnqueueMarkerWithWaitList, NONE,
  (void *queue, uint32_t wait_count, void *const *waits, void **event), (queue, wait_count, waits, event))
X(ENQUEUE, clEnqueueBarrierWithWaitList, NONE,
  (void *queue, uint32_t wait_count, void *const *waits, void **event), (queue, wait_count, waits, event))
X(ENQUEUE, clEnqueueSVMMemcpy, NONE,
  (void *queue, uint32_t blocking, void *to, const void *from, size_t bytes, uint32_t wait_count, void *const *waits,
   void **event),
  (queue, blocking, to, from, bytes, wait_count, waits, event))
X(ENQUEUE, clEnqueueSVMMemFill, NONE,
  (void *queue, void *to, const void *pattern, size_t pattern_bytes, size_t bytes, uint32_t wait_count,
   void *const *waits, void **event),
  (queue, to, pattern, pattern_bytes, bytes, wait_count, waits, event))
X(ENQUEUE, clEnqueueSVMMap, NONE,
  (void *queue, uint32_t blocking, uint64_t flags, void *memory, size_t bytes, uint32_t wait_count,
   void *const *waits, void **event),
  (queue, blocking, flags, memory, bytes, wait_count, waits, event))
X(ENQUEUE, clEnqueueSVMUnmap, NONE,
  (void *queue, void *memory, uint32_t wait_count, void *const *waits, void **event),
  (queue, memory, wait_count, waits, event))
X(GIVEN, clGetDeviceIDs, NONE, (), ())
X(GIVEN, clGetDeviceInfo, NONE, (), ())
X(GIVEN, clGetProgramBuildInfo, NONE, (), ())
X(GIVEN, clGetKernelWorkGroupInfo, NONE, (), ())
X(GIVEN, clEnqueueNDRangeKernel, NONE, (), ())
X(GIVEN, clEnqueueMapBuffer, NONE, (), ())
X(GIVEN, clSVMAlloc, NONE, (), ())
X(GIVEN, clSVMFree, NONE, (), ())
X(GIVEN, clGetExtensionFunctionAddressForPlatform, NONE, (), ())
/* clang-format on */
