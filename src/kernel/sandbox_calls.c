/* Linux: system calls that nothing in a worker needs once its device is open. A call that is refused fails with EPERM,
 * so that whoever tries it by habit goes on without. Facts: seccomp(2), linux/filter.h. */
#include "kernel/sandbox.h"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define FIRST_FOREIGN_CALL 0x40000000u /* of the x32 interface */
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define FIRST_FOREIGN_CALL 0xffffffffu
#endif
#define NEWER_CALL_CLONE3 435u /* the same number everywhere; its flags lie in memory that a filter can't see */

static const unsigned refused[] = {
    /* peers: no network, and no service of this machine */
    SYS_socket,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    425 /* io_uring_setup */,
    /* other processes */
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_tkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    424 /* pidfd_send_signal */,
    434 /* pidfd_open */,
    438 /* pidfd_getfd */,
    440 /* process_madvise */,
    448 /* process_mrelease */,
    SYS_setpriority,
    SYS_ioprio_set,
    SYS_migrate_pages,
    SYS_move_pages,
    SYS_kcmp,
    /* whose files are and who may read them, which Landlock leaves to their owner */
    SYS_fchmod,
    SYS_fchmodat,
    452 /* fchmodat2 */,
    SYS_fchown,
    SYS_fchownat,
    SYS_setxattr,
    SYS_lsetxattr,
    SYS_fsetxattr,
    463 /* setxattrat */,
    SYS_removexattr,
    SYS_lremovexattr,
    SYS_fremovexattr,
    466 /* removexattrat */,
    469 /* file_setattr */,
    SYS_truncate, /* by path; before its third version Landlock leaves that too */
#if defined(SYS_chmod)
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_utime,
    SYS_utimes,
    SYS_futimesat,
#endif
    /* out of the process group that is killed as one, or of the namespaces */
    SYS_setsid,
    SYS_setpgid,
    SYS_unshare,
    SYS_setns,
    SYS_chroot,
    SYS_pivot_root,
    SYS_mount,
    SYS_umount2,
    /* what outlives a process, or belongs to the whole system */
    SYS_shmget,
    SYS_semget,
    SYS_msgget,
    SYS_mq_open,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_sethostname,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_acct,
    SYS_quotactl,
};
#define REFUSED_COUNT (sizeof refused / sizeof *refused)

/* A namespace of its own; or a child of the server's, which waits for its workers alone. */
#define REFUSED_FLAGS                                                                                          \
  (CLONE_PARENT | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
   CLONE_NEWNET)

/* A filter's instructions as they are put together. */
typedef struct program_t {
  struct sock_filter code[128 + 2 * REFUSED_COUNT];
  unsigned short length;
} program_t;

static void add(program_t *program, struct sock_filter instruction) { program->code[program->length++] = instruction; }

static void load(program_t *program, size_t offset) {
  add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void answer(program_t *program, unsigned word) {
  add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, word));
}

/* Unless the comparison holds, as many instructions are left out. */
static void unless(program_t *program, unsigned short comparison, unsigned value, unsigned char skipped) {
  add(program, (struct sock_filter)BPF_JUMP((unsigned short)(BPF_JMP | comparison | BPF_K), value, 0, skipped));
}

static void refuse_call(program_t *program, unsigned number, int error) {
  unless(program, BPF_JEQ, number, 1);
  answer(program, SECCOMP_RET_ERRNO | ((unsigned)error & SECCOMP_RET_DATA));
}

/* The low half of an argument; both machines are little-endian. */
static size_t argument(int index) { return offsetof(struct seccomp_data, args) + 8 * (size_t)index; }

/* To this process alone: that of its number, or of 0 where that means itself and not its group. */
static void refuse_other_process(program_t *program, unsigned number, bool zero) {
  unless(program, BPF_JEQ, number, zero ? 5 : 4);
  load(program, argument(0));
  if (zero) add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0));
  add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)getpid(), 1, 0));
  answer(program, SECCOMP_RET_ERRNO | EPERM);
  answer(program, SECCOMP_RET_ALLOW);
}

/* Of sockets for datagrams, which reach any by its path; a stream's two ends know each other alone. */
static void refuse_datagrams(program_t *program) {
  unless(program, BPF_JEQ, SYS_socketpair, 6);
  load(program, argument(1));
  add(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf)); /* the type, without its flags */
  add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 2, 0));
  add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_SEQPACKET, 1, 0));
  answer(program, SECCOMP_RET_ERRNO | EPERM);
  answer(program, SECCOMP_RET_ALLOW);
}

/* Of a file by its name, not of an open one, where the pointer to the name is NULL. */
static void refuse_named(program_t *program, unsigned number) {
  unless(program, BPF_JEQ, number, 6);
  load(program, argument(1));
  add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2));
  load(program, argument(1) + 4);
  add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
  answer(program, SECCOMP_RET_ERRNO | EPERM);
  answer(program, SECCOMP_RET_ALLOW);
}

/* By which a descriptor's signals go to any process. */
static const unsigned owning_commands[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG}, owning_requests[] = {FIOSETOWN, SIOCSPGRP};

/* By the second argument. */
static void refuse_commands(program_t *program, unsigned number, const unsigned *commands, unsigned char count) {
  unless(program, BPF_JEQ, number, (unsigned char)(2 * count + 2));
  load(program, argument(1));
  for (unsigned char i = 0; i < count; ++i) refuse_call(program, commands[i], EPERM);
  answer(program, SECCOMP_RET_ALLOW);
}

static void build(program_t *program) {
  load(program, offsetof(struct seccomp_data, arch));
  add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
  answer(program, SECCOMP_RET_KILL_PROCESS);
  load(program, offsetof(struct seccomp_data, nr));
  unless(program, BPF_JGE, FIRST_FOREIGN_CALL, 1);
  answer(program, SECCOMP_RET_ERRNO | EPERM);
  for (size_t i = 0; i < REFUSED_COUNT; ++i) refuse_call(program, refused[i], EPERM);
  refuse_call(program, NEWER_CALL_CLONE3, ENOSYS); /* the C library falls back to clone */
  refuse_other_process(program, SYS_kill, false);
  refuse_other_process(program, SYS_tgkill, false);
  refuse_other_process(program, SYS_prlimit64, true);
  refuse_other_process(program, SYS_sched_setaffinity, true);
  refuse_other_process(program, SYS_sched_setscheduler, true);
  refuse_other_process(program, SYS_sched_setparam, true);
  refuse_other_process(program, SYS_sched_setattr, true);
  refuse_datagrams(program);
  refuse_named(program, SYS_utimensat);
  refuse_commands(program, SYS_fcntl, owning_commands, sizeof owning_commands / sizeof *owning_commands);
  refuse_commands(program, SYS_ioctl, owning_requests, sizeof owning_requests / sizeof *owning_requests);
  unless(program, BPF_JEQ, SYS_clone, 4);
  load(program, argument(0));
  unless(program, BPF_JSET, REFUSED_FLAGS, 1);
  answer(program, SECCOMP_RET_ERRNO | EPERM);
  answer(program, SECCOMP_RET_ALLOW);
  unless(program, BPF_JEQ, SYS_prctl, 4);
  load(program, argument(0));
  unless(program, BPF_JEQ, PR_SET_PDEATHSIG, 1);
  answer(program, SECCOMP_RET_ERRNO | EPERM);
  answer(program, SECCOMP_RET_ALLOW);
  answer(program, SECCOMP_RET_ALLOW);
}

bool or_sandbox_calls(void) {
  program_t program = {.length = 0};
  build(&program);
  const struct sock_fprog filter = {program.length, program.code};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}
#else
bool or_sandbox_calls(void) { return false; }
#endif
