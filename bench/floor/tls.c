// Mutual TLS 1.3 over loopback with nothing around it.
//
// tls serve CERT KEY CA SOURCE    prints its port; one connection after another, which says by its first byte what it wants
// tls ping PORT CERT KEY CA SIZE  reads COUNT from standard input, writes that many round trips in nanoseconds; again
// tls pull PORT CERT KEY CA       copies SOURCE to standard output
// tls hello PORT CERT KEY CA      a handshake and one round trip
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 64 * 1024 };
static char buffer[MOST];

static void die(const char *what) {
  fprintf(stderr, "tls: %s\n", what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static SSL_CTX *context(const SSL_METHOD *method, const char *cert, const char *key, const char *authority) {
  SSL_CTX *ctx = SSL_CTX_new(method);
  if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) || SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
      SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_load_verify_locations(ctx, authority, NULL) != 1)
    die("certificates");
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_num_tickets(ctx, 0);
  return ctx;
}

static void read_all(SSL *ssl, int size) {
  for (int got = 0, more; got < size; got += more)
    if ((more = SSL_read(ssl, buffer + got, size - got)) <= 0) die("the other side went");
}

// The first byte, then as many messages as there are: each is sent back.
static void answer_pings(SSL *ssl) {
  int got;
  while ((got = SSL_read(ssl, buffer, MOST)) > 0)
    if (SSL_write(ssl, buffer, got) != got) return;
}

static void send_source(SSL *ssl, const char *source) {
  int file = open(source, O_RDONLY);
  if (file < 0) die(source);
  ssize_t got;
  while ((got = read(file, buffer, MOST)) > 0)
    if (SSL_write(ssl, buffer, (int)got) != got) break;
  close(file);
  SSL_shutdown(ssl);
}

static _Noreturn void serve(char **argv) {
  SSL_CTX *ctx = context(TLS_server_method(), argv[0], argv[1], argv[2]);
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 16) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) != 0)
    die("listen");
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) continue;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, connection);
    char wish;
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, &wish, 1) == 1) {
      if (wish == 'c') send_source(ssl, argv[3]);
      else answer_pings(ssl);
    }
    SSL_free(ssl);
    close(connection);
  }
}

static SSL *call(char **argv, char wish) {
  SSL_CTX *ctx = context(TLS_client_method(), argv[1], argv[2], argv[3]);
  int connection = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[0])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  SSL *ssl = SSL_new(ctx);
  SSL_set_fd(ssl, connection);
  if (SSL_connect(ssl) != 1 || SSL_write(ssl, &wish, 1) != 1) die("handshake");
  return ssl;
}

static void round_trip(SSL *ssl, int size) {
  if (SSL_write(ssl, buffer, size) != size) die("write");
  read_all(ssl, size);
}

static int ping(SSL *ssl, int size) {
  long count;
  while (scanf("%ld", &count) == 1) {
    for (long i = 0; i < count; i++) {
      int64_t begin = now();
      round_trip(ssl, size);
      printf("%lld\n", (long long)(now() - begin));
    }
    fflush(stdout);
  }
  return 0;
}

static int pull(SSL *ssl) {
  int got;
  while ((got = SSL_read(ssl, buffer, MOST)) > 0)
    for (ssize_t sent = 0, more; sent < got; sent += more)
      if ((more = write(1, buffer + sent, (size_t)(got - sent))) <= 0) die("write");
  return SSL_get_error(ssl, got) == SSL_ERROR_ZERO_RETURN ? 0 : 1;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 6 && strcmp(argv[1], "serve") == 0) serve(argv + 2);
  if (argc == 7 && strcmp(argv[1], "ping") == 0) return ping(call(argv + 2, 'p'), atoi(argv[6]) < MOST ? atoi(argv[6]) : MOST);
  if (argc == 6 && strcmp(argv[1], "pull") == 0) return pull(call(argv + 2, 'c'));
  if (argc == 6 && strcmp(argv[1], "hello") == 0) {
    round_trip(call(argv + 2, 'p'), 256);
    return 0;
  }
  fprintf(stderr, "tls: see its first lines for how it is called\n");
  return 2;
}
