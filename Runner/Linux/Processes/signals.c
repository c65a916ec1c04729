// Signals as bytes in a pipe, without a gap when this program is replaced by another one in the same process (execve(2)):
// what is in the pipe stays there, and what is blocked stays pending, where a handler's own notes would be lost.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int passed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
static volatile int pipe_end = -1;

static void tell(int signal) {
  int before = errno;
  unsigned char number = (unsigned char)signal;
  (void)!write(pipe_end, &number, 1); // full, it holds more than anybody has asked for
  errno = before;
}

static void passed_set(sigset_t *set) {
  sigemptyset(set);
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) sigaddset(set, passed[i]);
}

// From now on each of them is a byte; those that were held back come now. The end must not block.
__attribute__((visibility("default"))) int runner_signals_to(int end) {
  pipe_end = end;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = tell;
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
    if (sigaction(passed[i], &action, NULL) != 0) return -1;
  sigset_t set;
  passed_set(&set);
  return pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

// Held back from the calling thread, and so from a program that takes the place of this one, until that one asks for them.
__attribute__((visibility("default"))) int runner_signals_hold(void) {
  sigset_t set;
  passed_set(&set);
  return pthread_sigmask(SIG_BLOCK, &set, NULL);
}
