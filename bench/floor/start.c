// The least a start in cgroups costs on this machine: mkdir, limits, clone3 into the cgroup, exec, wait, rmdir. No pipes, no
// files, no record, nobody told; unless asked for.
//
// start RECORD|- FOLDER|- DIRECTORY [FILE=TEXT]... [DIRECTORY [FILE=TEXT]...]...
// The first directory is of cgroup v2, the others are of v1; below each one a cgroup is made for a start, and the texts written
// to its files. With RECORD two records are made durable for each start; with FOLDER each has a session, two pipes of 1 MiB, and a
// folder with two files there, before it is exec'd. Reads COUNT from standard input, starts that many times
// and writes "EXEC TOTAL" in nanoseconds for each; again until there is no more.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL // Linux 5.7
#endif

enum { MOST_DIRECTORIES = 16, MOST_FILES = 16 };

static struct directory {
  const char *parent;
  char path[512];
  struct { char name[64]; const char *text; } files[MOST_FILES];
  int file_count;
} directories[MOST_DIRECTORIES];
static int directory_count;
static const char *folder;

static void die(const char *what, const char *which) {
  fprintf(stderr, "start: %s %s: %s\n", what, which, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

// As vfork: the child runs on this stack until it has exec'd, so it must not leave the function this is in.
static inline __attribute__((always_inline)) long clone3_here(struct clone_args *args) {
#if defined(__x86_64__)
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "0"((long)SYS_clone3), "D"(args), "S"(sizeof *args) : "rcx", "r11", "memory");
  return result;
#else
  register long number __asm__("x8") = SYS_clone3;
  register long result __asm__("x0") = (long)args;
  register long size __asm__("x1") = sizeof *args;
  __asm__ volatile("svc #0" : "+r"(result) : "r"(number), "r"(size) : "memory");
  return result;
#endif
}

static __attribute__((noinline)) int spawn(int cgroup, const int *tasks, int task_count) {
  static char *const argv[] = {"true", NULL}, *const envp[] = {"PATH=/usr/bin:/bin", NULL};
  volatile int pidfd = -1;
  struct clone_args args;
  memset(&args, 0, sizeof args);
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP;
  args.pidfd = (uintptr_t)&pidfd;
  args.exit_signal = SIGCHLD;
  args.cgroup = (uint64_t)cgroup;
  long pid = clone3_here(&args);
  if (pid == 0) {
    if (folder) setsid();
    for (int i = 0; i < task_count; i++)
      if (write(tasks[i], "0", 1) != 1) _exit(126);
    execve("/bin/true", argv, envp);
    _exit(127);
  }
  errno = (int)-pid;
  if (pid < 0) die("clone3", "");
  return pidfd;
}

static void record(int file) {
  static char row[512];
  if (file < 0) return;
  if (write(file, row, sizeof row) != sizeof row || fdatasync(file) != 0) die("record", "");
}

static struct output {
  char folder[512], files[2][520];
  int fds[6];
} output;

static void make_output(int64_t number) {
  snprintf(output.folder, sizeof output.folder, "%s/floor-%d-%lld", folder, getpid(), (long long)number);
  if (mkdir(output.folder, 0700) != 0) die("mkdir", output.folder);
  for (int i = 0; i < 2; i++) {
    snprintf(output.files[i], sizeof output.files[i], "%s/%s", output.folder, i == 0 ? "stdout" : "stderr");
    output.fds[i] = open(output.files[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (output.fds[i] < 0 || pipe2(output.fds + 2 + 2 * i, O_CLOEXEC) != 0) die("open", output.files[i]);
    fcntl(output.fds[2 + 2 * i], F_SETPIPE_SZ, 1 << 20);
  }
}

static void remove_output(void) {
  for (int i = 0; i < 6; i++) close(output.fds[i]);
  for (int i = 0; i < 2; i++) unlink(output.files[i]);
  rmdir(output.folder);
}

static void start(int64_t number, int record_file) {
  int64_t begin = now();
  int tasks[MOST_DIRECTORIES], cgroup = -1;
  for (int i = 0; i < directory_count; i++) {
    struct directory *d = &directories[i];
    snprintf(d->path, sizeof d->path, "%s/floor-%d-%lld", d->parent, getpid(), (long long)number);
    if (mkdir(d->path, 0755) != 0) die("mkdir", d->path);
    int at = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0) die("open", d->path);
    for (int f = 0; f < d->file_count; f++) {
      int file = openat(at, d->files[f].name, O_WRONLY | O_CLOEXEC);
      size_t length = strlen(d->files[f].text);
      if (file < 0 || write(file, d->files[f].text, length) != (ssize_t)length) die("write", d->files[f].name);
      close(file);
    }
    if (i == 0) {
      cgroup = at;
      continue;
    }
    tasks[i - 1] = openat(at, "tasks", O_WRONLY | O_CLOEXEC);
    if (tasks[i - 1] < 0) die("open tasks in", d->path);
    close(at);
  }
  if (folder) make_output(number);
  int pidfd = spawn(cgroup, tasks, directory_count - 1);
  int64_t started = now();

  close(cgroup);
  for (int i = 0; i < directory_count - 1; i++) close(tasks[i]);
  record(record_file);
  siginfo_t info;
  if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) != 0) die("waitid", "");
  if (info.si_code != CLD_EXITED || info.si_status != 0) die("the program ended badly:", "/bin/true");
  close(pidfd);
  record(record_file);
  // The dead process leaves its cgroups a moment after it has been told.
  for (int i = 0; i < directory_count; i++)
    while (rmdir(directories[i].path) != 0) {
      if (errno != EBUSY) die("rmdir", directories[i].path);
      sched_yield();
    }
  if (folder) remove_output();
  printf("%lld %lld\n", (long long)(started - begin), (long long)(now() - begin));
}

int main(int argc, char **argv) {
  int record_file = -1;
  if (argc > 1 && strcmp(argv[1], "-") != 0) {
    record_file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (record_file < 0) die("open", argv[1]);
  }
  if (argc > 2 && strcmp(argv[2], "-") != 0) folder = argv[2];
  for (int i = 3; i < argc; i++) {
    char *equals = strchr(argv[i], '=');
    if (argv[i][0] == '/' && directory_count < MOST_DIRECTORIES) {
      directories[directory_count++].parent = argv[i];
    } else if (equals && directory_count > 0 && directories[directory_count - 1].file_count < MOST_FILES) {
      struct directory *d = &directories[directory_count - 1];
      snprintf(d->files[d->file_count].name, sizeof d->files[0].name, "%.*s", (int)(equals - argv[i]), argv[i]);
      d->files[d->file_count++].text = equals + 1;
    } else {
      fprintf(stderr, "start: %s: neither a directory nor FILE=TEXT\n", argv[i]);
      return 2;
    }
  }
  int64_t number = 0;
  long count;
  while (scanf("%ld", &count) == 1) {
    for (long i = 0; i < count; i++) start(number++, record_file);
    fflush(stdout);
  }
  return 0;
}
