/* A request and its answer, within bounds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/worker_client.h"

#define LOOK_MS 20              /* between two looks at a request to stop */
#define MEMORY_LOOK_NS 50000000 /* between two looks at the worker's memory */

#if defined(MSG_NOSIGNAL)
#define SEND_FLAGS MSG_NOSIGNAL
#else
#define SEND_FLAGS 0
#endif

/* One exchange under way. */
typedef struct talk_t {
  or_worker_process_t *process;
  const or_worker_bounds_t *bounds;
} talk_t;

static or_status_t send_all(talk_t *talk, const or_text_t *request, int descriptor);
static or_status_t receive(talk_t *talk, void *bytes, size_t length);
static or_status_t wait_for(talk_t *talk, short events);
static or_status_t check_bounds(talk_t *talk);
static or_status_t died(talk_t *talk, bool unread);

or_status_t or_worker_exchange(or_worker_process_t *process, const or_worker_exchange_t *exchange) {
  talk_t talk = {process, &exchange->bounds};
  or_worker_header_t header = {0};
  or_status_t status = send_all(&talk, exchange->request, exchange->descriptor);
  if (or_ok(status)) status = receive(&talk, &header, sizeof header);
  if (or_ok(status)) status = or_worker_header_check(&header, OR_WORKER_REPLY_BYTES);
  if (or_ok(status) && header.kind != exchange->answer)
    status = or_error(OR_DATA_LOSS, "a worker answers with message %u; %d was asked for", header.kind,
                      (int)exchange->answer);
  if (or_ok(status)) status = or_text_reserve(exchange->reply, header.bytes);
  if (or_ok(status)) status = receive(&talk, exchange->reply->data, header.bytes);
  if (or_ok(status)) exchange->reply->length = header.bytes;
  if (!or_ok(status)) or_worker_end(process, NULL);
  return status;
}

static or_status_t send_all(talk_t *talk, const or_text_t *request, int descriptor) {
  size_t sent = 0;
  or_status_t status = or_status_success();
  while (sent < request->length && or_ok(status)) {
    union {
      struct cmsghdr header;
      char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec piece = {request->data + sent, request->length - sent};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (descriptor >= 0 && sent == 0) { /* goes with the first byte */
      message.msg_control = control.bytes;
      message.msg_controllen = sizeof control.bytes;
      struct cmsghdr *attached = CMSG_FIRSTHDR(&message);
      attached->cmsg_level = SOL_SOCKET;
      attached->cmsg_type = SCM_RIGHTS;
      attached->cmsg_len = CMSG_LEN(sizeof descriptor);
      memcpy(CMSG_DATA(attached), &descriptor, sizeof descriptor);
    }
    const ssize_t count = sendmsg(talk->process->socket, &message, SEND_FLAGS);
    if (count > 0) {
      sent += (size_t)count;
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      status = wait_for(talk, POLLOUT);
    } else if (count < 0 && errno != EINTR) {
      status = died(talk, true);
    }
  }
  return status;
}

static or_status_t receive(talk_t *talk, void *bytes, size_t length) {
  size_t got = 0;
  or_status_t status = or_status_success();
  while (got < length && or_ok(status)) {
    const ssize_t count = recv(talk->process->socket, (char *)bytes + got, length - got, 0);
    if (count > 0) {
      got += (size_t)count;
      if (got < length) status = check_bounds(talk); /* one byte a time must not go on for ever */
    } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      status = wait_for(talk, POLLIN);
    } else if (count == 0 || errno != EINTR) {
      /* The system says so of a connection that is closed with something in it that was sent, and not received. */
      status = died(talk, count < 0 && errno == ECONNRESET);
    }
  }
  return status;
}

/* Until the socket is ready, or may be. */
static or_status_t wait_for(talk_t *talk, short events) {
  struct pollfd entry = {.fd = talk->process->socket, .events = events};
  or_status_t status = check_bounds(talk);
  if (!or_ok(status)) return status;
  const bool ended = or_worker_has_ended(talk->process);
  const int ready = poll(&entry, 1, ended ? 0 : LOOK_MS); /* what it says, the next call on the socket tells */
  return ended && ready == 0 ? died(talk, events == POLLOUT) : status;
}

/* What lies in the files without names that it has open, in memory or on a disk; what of them is mapped, or nowhere
 * mapped, makes no difference. */
static uint64_t nameless_bytes(const or_worker_process_t *process) {
  char path[64];
  uint64_t bytes = 0;
  or_format(path, sizeof path, "/proc/%ld/fd", (long)process->pid);
  DIR *folder = opendir(path);
  if (folder == NULL) return 0;
  for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    struct stat facts;
    if (fstatat(dirfd(folder), entry->d_name, &facts, 0) != 0) continue;
    if (S_ISREG(facts.st_mode) && facts.st_nlink == 0) bytes += (uint64_t)facts.st_blocks * 512;
  }
  (void)closedir(folder); /* it was only read */
  return bytes;
}

uint64_t or_worker_resident_bytes(const or_worker_process_t *process) {
  char path[64];
  unsigned long long pages = 0, of_those = 0, shared = 0;
  or_format(path, sizeof path, "/proc/%ld/statm", (long)process->pid);
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  const bool read = fscanf(file, "%llu %llu %llu", &pages, &of_those, &shared) == 3;
  (void)fclose(file);
  if (!read) return 0;
  const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), resident = of_those * page;
  const uint64_t own = shared < of_those ? resident - shared * page : 0, held = own + nameless_bytes(process);
  return held > resident ? held : resident; /* what is mapped of those files is in both */
}

static or_status_t check_bounds(talk_t *talk) {
  const or_worker_bounds_t *bounds = talk->bounds;
  const int64_t now = or_clock_ns();
  if (or_cancel_requested(bounds->cancel))
    return or_status_context(or_cancel_status(bounds->cancel), "the worker was killed");
  if (now >= bounds->deadline_ns)
    return or_error(OR_DEADLINE_EXCEEDED, "the worker was killed: not done after %u ms", bounds->limit_ms);
  if (now < talk->process->next_memory_look_ns) return or_status_success();
  talk->process->next_memory_look_ns = now + MEMORY_LOOK_NS;
  const uint64_t resident = or_worker_resident_bytes(talk->process);
  if (resident <= bounds->memory_bytes) return or_status_success();
  return or_error(OR_RESOURCE_EXHAUSTED, "the worker was killed: it had %llu MiB of memory; at most %llu are given",
                  (unsigned long long)(resident >> 20), (unsigned long long)(bounds->memory_bytes >> 20));
}

static or_status_t died(talk_t *talk, bool unread) {
  char fate[OR_WORKER_FATE_BYTES];
  or_worker_end(talk->process, fate);
  talk->process->unread = unread;
  return or_error(OR_RESOURCE_EXHAUSTED, "the worker %s", fate[0] != '\0' ? fate : "is gone");
}

bool or_worker_is_sound(const or_worker_process_t *process) {
  struct pollfd entry = {.fd = process->socket, .events = POLLIN};
  return process->pid > 0 && !or_worker_has_ended(process) && poll(&entry, 1, 0) == 0;
}
