/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An FTP client that stops between announcing a data connection and using it,
 * the moment at which only an expectation says that it may pass:
 *
 *	ftp_session passive|active ADDR FILE [SECONDS]
 *
 * It logs in as anonymous, says PASV or PORT, prints "armed", and waits for a
 * line on stdin. Then it fetches FILE over that data connection, prints
 * "first N bytes SUM", fetches it again with a new one, prints "second ...",
 * and quits. Each wait ends after so many seconds (5). Exit status 0: both came.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct session {
	FILE *control;
	bool active;
	int data; /* listening (active) or not yet connected (passive) */
	struct sockaddr_in server_data;
};

static void die(const char *what)
{
	fprintf(stderr, "ftp_session: %s: %s\n", what,
		errno ? strerror(errno) : "unexpected answer");
	exit(1);
}

static int patience_s = 5;

static int tcp_socket(void)
{
	struct timeval tv = { .tv_sec = patience_s };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		die("socket");
	return fd;
}

/* Reads one reply, whose last line has a space after the code. */
static void expect(struct session *s, const char *code, char *line, size_t room)
{
	do {
		errno = 0;
		if (!fgets(line, (int)room, s->control))
			die(code);
	} while (strlen(line) < 4 || line[3] != ' ');
	if (strncmp(line, code, 3) != 0) {
		fprintf(stderr, "ftp_session: wanted %s, got %s", code, line);
		exit(1);
	}
}

static void say(struct session *s, const char *text)
{
	/* A stream changes its direction only at a positioning call. */
	fseek(s->control, 0, SEEK_CUR);
	if (fprintf(s->control, "%s\r\n", text) < 0 || fflush(s->control) != 0)
		die("write");
	fseek(s->control, 0, SEEK_CUR);
}

static void open_session(struct session *s, const char *addr)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(21) };
	char line[512];
	int fd = tcp_socket();

	if (inet_pton(AF_INET, addr, &sa.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("connect");
	s->control = fdopen(fd, "r+");
	if (!s->control)
		die("fdopen");
	expect(s, "220", line, sizeof(line));
	say(s, "USER anonymous");
	expect(s, "331", line, sizeof(line));
	say(s, "PASS lab@");
	expect(s, "230", line, sizeof(line));
	say(s, "TYPE I");
	expect(s, "200", line, sizeof(line));
}

static void announce_passive(struct session *s)
{
	unsigned int a[6];
	char line[512], *p;

	say(s, "PASV");
	expect(s, "227", line, sizeof(line));
	p = strchr(line, '(');
	if (!p ||
	    sscanf(p, "(%u,%u,%u,%u,%u,%u)", a, a + 1, a + 2, a + 3, a + 4, a + 5) != 6)
		die("PASV");
	s->server_data.sin_family = AF_INET;
	s->server_data.sin_addr.s_addr =
		htonl(a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3]);
	s->server_data.sin_port = htons((uint16_t)(a[4] << 8 | a[5]));
	s->data = tcp_socket();
}

static void announce_active(struct session *s)
{
	struct sockaddr_in sa = { 0 };
	socklen_t len = sizeof(sa);
	char line[512];
	uint32_t a;
	unsigned int port;

	if (getsockname(fileno(s->control), (struct sockaddr *)&sa, &len) < 0)
		die("getsockname");
	sa.sin_port = 0;
	s->data = tcp_socket();
	if (bind(s->data, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(s->data, 1) < 0 ||
	    getsockname(s->data, (struct sockaddr *)&sa, &len) < 0)
		die("listen");
	a = ntohl(sa.sin_addr.s_addr);
	port = ntohs(sa.sin_port);
	snprintf(line, sizeof(line), "PORT %u,%u,%u,%u,%u,%u", a >> 24, a >> 16 & 255,
		 a >> 8 & 255, a & 255, port >> 8, port & 255);
	say(s, line);
	expect(s, "200", line, sizeof(line));
}

static void announce(struct session *s)
{
	if (s->active)
		announce_active(s);
	else
		announce_passive(s);
}

static int data_connection(struct session *s)
{
	int fd;

	if (!s->active) {
		if (connect(s->data, (struct sockaddr *)&s->server_data,
			    sizeof(s->server_data)) < 0)
			die("data connection");
		return s->data;
	}
	fd = accept(s->data, NULL, NULL);
	if (fd < 0)
		die("data connection");
	close(s->data);
	return fd;
}

static void fetch(struct session *s, const char *file, const char *name)
{
	unsigned long long bytes = 0, sum = 0;
	char line[512], buf[65536];
	ssize_t n, i;
	int fd = -1;

	snprintf(line, sizeof(line), "RETR %s", file);
	if (!s->active)
		fd = data_connection(s);
	say(s, line);
	if (s->active)
		fd = data_connection(s);
	expect(s, "150", line, sizeof(line));
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n; i++)
			sum = sum * 31 + (unsigned char)buf[i];
		bytes += (unsigned long long)n;
	}
	if (n < 0)
		die("data");
	close(fd);
	expect(s, "226", line, sizeof(line));
	printf("%s %llu bytes %016llx\n", name, bytes, sum);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct session s = { 0 };
	char line[64];

	if (argc < 4 || argc > 5 ||
	    (strcmp(argv[1], "passive") && strcmp(argv[1], "active"))) {
		fprintf(stderr,
			"usage: ftp_session passive|active ADDR FILE [SECONDS]\n");
		return 2;
	}
	if (argc == 5)
		patience_s = atoi(argv[4]);
	s.active = !strcmp(argv[1], "active");
	open_session(&s, argv[2]);
	announce(&s);
	puts("armed");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 2;
	fetch(&s, argv[3], "first");
	announce(&s);
	fetch(&s, argv[3], "second");
	say(&s, "QUIT");
	expect(&s, "221", line, sizeof(line));
	return 0;
}
