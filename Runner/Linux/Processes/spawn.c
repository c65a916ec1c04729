// Starts a program in its cgroup: the half of a spawn that runs between clone3 and execve.
//
// This is C because no managed code may run in the child: it shares memory with a process whose other threads go on
// (CLONE_VM), so a garbage collection could wait for it for ever. Nothing here allocates or takes a lock; whatever
// needs either is prepared by the caller. The parent's thread stands still until execve or _exit (CLONE_VFORK).
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL // Linux 5.7
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL // Linux 5.5
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

// Where a spawn can fail; SpawnStep in Spawner.cs has the same order.
enum spawn_step { STEP_NONE, STEP_CLONE, STEP_CGROUP, STEP_SESSION, STEP_STREAMS, STEP_LIMITS, STEP_SIGNALS, STEP_CHDIR, STEP_EXEC };

// SpawnRequest in Spawner.cs; a test holds both to the same size.
struct spawn_request {
  const char *path;       // the program, resolved
  char *const *argv;
  char *const *envp;
  const char *directory;
  const int32_t *task_fds; // v1 "tasks" files, open for writing
  int32_t *born;          // gets the child's number before the child runs; or null
  int32_t task_fd_count;
  int32_t cgroup_fd;      // v2 directory
  int32_t stdin_fd, stdout_fd, stderr_fd; // all above 2
  int32_t usual_oom_score; // not the one of whoever starts it
  // Answers.
  int32_t pid;
  int32_t pidfd;
  int32_t step;
  int32_t error;
};

enum { STACK_SIZE = 64 * 1024, JOB_OPEN_FILES = 1024 };

// The kernel's signal set is 64 bits wide; the C library's functions would leave out its own two signals.
typedef uint64_t kernel_sigset;
struct kernel_sigaction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)(void);
  kernel_sigset mask;
};

static void give_up(struct spawn_request *request, enum spawn_step step) {
  request->error = errno;
  request->step = step;
  _exit(127);
}

// Handled signals are at their defaults already (CLONE_CLEAR_SIGHAND); ignored ones are not, and stay ignored over
// execve: without this every job would ignore SIGPIPE, as the runtime does.
static int default_signals(void) {
  struct kernel_sigaction action;
  memset(&action, 0, sizeof action); // SIG_DFL
  for (int signal = 1; signal <= 64; signal++)
    if (signal != SIGKILL && signal != SIGSTOP &&
        syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof(kernel_sigset)) != 0)
      return -1;
  kernel_sigset none = 0;
  return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
}

__attribute__((noreturn, used)) static void child_half(void *argument) {
  struct spawn_request *request = argument;

  // "0" is the writer itself. In "tasks" rather than "cgroup.procs": the same for a process of one thread, without
  // waiting out an RCU grace period (about 10 ms).
  for (int32_t i = 0; i < request->task_fd_count; i++)
    if (write(request->task_fds[i], "0", 1) != 1) give_up(request, STEP_CGROUP);

  if (setsid() < 0) give_up(request, STEP_SESSION);

  if (dup2(request->stdin_fd, 0) < 0 || dup2(request->stdout_fd, 1) < 0 || dup2(request->stderr_fd, 2) < 0 ||
      syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    give_up(request, STEP_STREAMS);

  // 0, as every program has it that nobody has favoured. Lowering it needs a privilege, without which it stays as it is.
  if (request->usual_oom_score) {
    close(request->stdin_fd); // there may be no other number left
    int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (score >= 0) (void)!write(score, "0", 1);
  }

  // The server raises its own soft limit; programs that use select(2) break above 1024.
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) give_up(request, STEP_LIMITS);
  files.rlim_cur = files.rlim_max < JOB_OPEN_FILES ? files.rlim_max : JOB_OPEN_FILES;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) give_up(request, STEP_LIMITS);

  umask(022);
  if (chdir(request->directory) != 0) give_up(request, STEP_CHDIR);
  if (default_signals() != 0) give_up(request, STEP_SIGNALS);
  execve(request->path, request->argv, request->envp);
  give_up(request, STEP_EXEC);
  __builtin_unreachable();
}

// clone3(2) whose child calls child_half on its own stack and never comes back here.
static long clone_child(struct clone_args *args, struct spawn_request *request) {
#if defined(__x86_64__)
  long result;
  // Both in registers of their own: neither the kernel nor what the child clears first may be in them.
  register void *child_argument __asm__("r8") = request;
  register void (*child)(void *) __asm__("r9") = child_half;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r8, %%rdi\n\t"
      "call *%[child]\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "0"((long)SYS_clone3), "D"(args), "S"(sizeof *args), "r"(child_argument), [child] "r"(child)
      : "rcx", "r11", "memory", "cc");
  return result;
#elif defined(__aarch64__)
  register long number __asm__("x8") = SYS_clone3;
  register long result __asm__("x0") = (long)args;
  register long size __asm__("x1") = sizeof *args;
  register void *child_argument __asm__("x9") = request;
  register void (*child)(void *) __asm__("x10") = child_half;
  __asm__ volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x30, xzr\n\t"
      "mov x0, x9\n\t"
      "blr x10\n\t"
      "brk #0\n"
      "1:"
      : "+r"(result)
      : "r"(number), "r"(size), "r"(child_argument), "r"(child)
      : "memory", "cc");
  return result;
#else
#error "clone_child is written for x86-64 and arm64"
#endif
}

// Returns 0 with pid and pidfd set once the program has been exec'd; -1 with step and error set if it was not, in which
// case no process and no descriptor is left.
__attribute__((visibility("default"))) int runner_spawn(struct spawn_request *request) {
  _Alignas(16) unsigned char stack[STACK_SIZE];
  int pidfd = -1;
  struct clone_args args;
  memset(&args, 0, sizeof args);
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  if (request->cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (uint64_t)request->cgroup_fd;
  }
  if (request->born) {
    args.flags |= CLONE_PARENT_SETTID;
    args.parent_tid = (uintptr_t)request->born;
  }
  args.pidfd = (uintptr_t)&pidfd;
  args.exit_signal = SIGCHLD;
  args.stack = (uintptr_t)stack;
  args.stack_size = sizeof stack;

  request->step = STEP_NONE;
  request->error = 0;

  // No handler of ours may run in the child: it would run on our memory.
  kernel_sigset all = ~(kernel_sigset)0, before;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
  long pid = clone_child(&args, request);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);

  if (pid < 0) {
    request->step = STEP_CLONE;
    request->error = (int32_t)-pid;
    return -1;
  }
  if (request->step != STEP_NONE) {
    siginfo_t info;
    while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED) != 0 && errno == EINTR) {}
    close(pidfd);
    return -1;
  }
  request->pid = (int32_t)pid;
  request->pidfd = pidfd;
  return 0;
}

__attribute__((visibility("default"))) int runner_spawn_request_size(void) { return sizeof(struct spawn_request); }
