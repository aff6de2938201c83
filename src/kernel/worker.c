/* The worker's main thread: it is opened by its parent's first request, hands the others to the queue's thread, and
 * ends with its parent. */
#include "kernel/worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "kernel/sandbox.h"
#include "kernel/worker_internal.h"
#include "runtime/runtime.h"

#define MAX_REQUEST_BYTES ((size_t)1 << 28) /* the parent bounds what it takes from users */

/* Descriptors come with some byte of the request that they belong to, or of one just before it. */
typedef struct stream_t {
  int descriptor; /* -1: none came */
} stream_t;

static void end_now(void);
static or_status_t read_request(stream_t *stream, or_worker_header_t *header, or_text_t *body);
static or_status_t open_worker(or_worker_self_t *worker, const or_text_t *body,
                               const or_backend_registration_t *backends, size_t count);
static or_status_t serve_one(or_worker_self_t *worker, stream_t *stream);
static void send_all(const or_text_t *reply);

int or_kernel_worker_main(void) { return or_kernel_worker_main_with(NULL, 0); }

int or_kernel_worker_main_with(const or_backend_registration_t *backends, size_t count) {
  static or_worker_self_t worker; /* larger than a stack should hold */
  stream_t stream = {-1};
  or_worker_header_t header = {0};
  or_text_t body;
  int kind = 0;
  socklen_t length = sizeof kind;
  if (getsockopt(OR_WORKER_SOCKET, SOL_SOCKET, SO_TYPE, &kind, &length) != 0 || kind != SOCK_STREAM) return 2;
  or_sandbox_begin(OR_WORKER_SOCKET);
  worker.allocator = or_allocator_system();
  or_text_init(&body, worker.allocator);
  or_status_t status = read_request(&stream, &header, &body);
  if (or_ok(status) && header.kind != OR_WORKER_OPEN)
    status = or_error(OR_DATA_LOSS, "a worker's first request is not OPEN");
  if (or_ok(status)) status = open_worker(&worker, &body, backends, count);
  or_text_deinit(&body);
  while (or_ok(status)) status = serve_one(&worker, &stream);
  or_status_ignore(status); /* the parent is gone, or was told */
  end_now();
  return 1;
}

/* At once, whatever its threads are in the middle of: a kernel that never ends, a driver that tidies up. */
static void end_now(void) { (void)kill(getpid(), SIGKILL); }

/* --- From the parent --- */

static or_status_t receive(stream_t *stream, void *bytes, size_t length) {
  size_t got = 0;
  while (got < length) {
    union {
      struct cmsghdr header;
      char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec piece = {(char *)bytes + got, length - got};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    const ssize_t count = recvmsg(OR_WORKER_SOCKET, &message, 0);
    if (count == 0 || (count < 0 && errno != EINTR)) return or_error(OR_UNAVAILABLE, "the parent is gone");
    if (count < 0) continue;
    got += (size_t)count;
    const struct cmsghdr *attached = CMSG_FIRSTHDR(&message);
    if (attached == NULL || attached->cmsg_level != SOL_SOCKET || attached->cmsg_type != SCM_RIGHTS) continue;
    if (stream->descriptor >= 0) (void)close(stream->descriptor);
    memcpy(&stream->descriptor, CMSG_DATA(attached), sizeof stream->descriptor);
  }
  return or_status_success();
}

static or_status_t read_request(stream_t *stream, or_worker_header_t *header, or_text_t *body) {
  or_status_t status = receive(stream, header, sizeof *header);
  if (or_ok(status)) status = or_worker_header_check(header, MAX_REQUEST_BYTES);
  if (or_ok(status)) status = or_text_reserve(body, header->bytes);
  if (or_ok(status)) status = receive(stream, body->data, header->bytes);
  if (or_ok(status)) body->length = header->bytes;
  return status;
}

/* --- OPEN --- */

static or_status_t open_device(or_worker_self_t *worker, const or_worker_open_t *request,
                               const or_backend_registration_t *backends, size_t count) {
  or_runtime_options_t options = or_runtime_options_default();
  options.backends = request->backend;
  options.cache_directory = request->cache_directory[0] != '\0' ? request->cache_directory : NULL;
  options.cpu_isa = request->cpu_isa[0] != '\0' ? request->cpu_isa : NULL;
  options.threads = request->threads;
  options.vendor_libraries = request->vendor_libraries;
  or_status_t status = backends != NULL ? or_runtime_create_with(&options, backends, count, &worker->runtime)
                                        : or_runtime_create(&options, &worker->runtime);
  if (or_ok(status)) status = or_runtime_find_device(worker->runtime, request->device, &worker->device);
  if (or_ok(status)) status = or_device_queue(worker->device, &worker->queue);
  return status;
}

static or_status_t open_worker(or_worker_self_t *worker, const or_text_t *body,
                               const or_backend_registration_t *backends, size_t count) {
  or_worker_open_t request;
  or_worker_opened_t opened = {.sandbox = 0};
  or_text_t reply;
  or_status_t status = or_worker_parse_open(body->data, body->length, &request);
  if (!or_ok(status)) return status;
  if (or_sandbox_files(request.cache_directory, request.scratch)) opened.sandbox |= OR_SANDBOX_FILES;
  status = open_device(worker, &request, backends, count);
  if (or_sandbox_calls()) opened.sandbox |= OR_SANDBOX_CALLS;
  if (request.bounds_addresses && or_sandbox_addresses(request.memory_bytes)) opened.sandbox |= OR_SANDBOX_ADDRESSES;
  opened.outcome = or_worker_outcome(status);
  or_text_init(&reply, worker->allocator);
  status = or_worker_write_opened(&opened, &reply);
  if (or_ok(status)) send_all(&reply);
  or_text_deinit(&reply);
  return status;
}

/* --- Requests --- */

static void answer(void *self, or_status_t status);

/* The next request is read while this one is carried out: so that the parent's end is seen. */
static or_status_t serve_one(or_worker_self_t *worker, stream_t *stream) {
  or_worker_header_t header = {0};
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(worker->allocator, sizeof(or_worker_job_t), &memory);
  if (!or_ok(status)) return status;
  or_worker_job_t *job = memory;
  *job = (or_worker_job_t){.worker = worker, .descriptor = -1, .compiled.log = "", .ran.device_ns = -1};
  or_text_init(&job->body, worker->allocator);
  status = read_request(stream, &header, &job->body);
  job->kind = (or_worker_kind_t)header.kind;
  if (or_ok(status) && job->kind == OR_WORKER_RUN) {
    job->descriptor = stream->descriptor;
    stream->descriptor = -1;
  }
  if (or_ok(status) && worker->queue == NULL) status = or_error(OR_UNAVAILABLE, "the device could not be opened");
  if (or_ok(status))
    status =
        or_queue_submit(worker->queue, &(or_submission_t){.work = or_worker_job_work, .self = job, .done = answer});
  if (or_ok(status)) return status; /* the job is the queue's now */
  or_text_deinit(&job->body);
  if (job->descriptor >= 0) (void)close(job->descriptor);
  or_free(worker->allocator, job);
  return status;
}

/* On the queue's thread. */
static void answer(void *self, or_status_t status) {
  or_worker_job_t *job = self;
  const or_allocator_t *allocator = job->worker->allocator;
  or_text_t reply;
  or_text_init(&reply, allocator);
  if (job->kind == OR_WORKER_COMPILE) {
    job->compiled.outcome = or_worker_outcome(status);
    status = or_worker_write_compiled(&job->compiled, &reply);
  } else if (job->kind == OR_WORKER_RUN) {
    job->ran.outcome = or_worker_outcome(status);
    status = or_worker_write_ran(&job->ran, &reply);
  } else if (job->kind == OR_WORKER_FORGET) {
    or_status_ignore(status); /* nobody waits for it */
    status = or_status_success();
  } else {
    status = or_status_first(status, or_error(OR_DATA_LOSS, "no request of this protocol"));
  }
  if (!or_ok(status)) end_now(); /* the parent sees that no answer comes */
  or_status_ignore(status);      /* not reached with a failure */
  send_all(&reply);
  or_text_deinit(&reply);
  or_text_deinit(&job->body);
  if (job->descriptor >= 0) (void)close(job->descriptor);
  or_free(allocator, job);
}

static void send_all(const or_text_t *reply) {
  for (size_t sent = 0; sent < reply->length;) {
    const ssize_t count = write(OR_WORKER_SOCKET, reply->data + sent, reply->length - sent);
    if (count > 0) {
      sent += (size_t)count;
    } else if (errno != EINTR) {
      end_now();
    }
  }
}
