/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Descriptors with deadlines, and files that appear whole or not at all.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/util/clock.h"
#include "lib/util/io.h"

#define SOON 50000 /* microseconds */

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/nsemig-io-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char cmd_path[400];
	struct dirent *e;
	DIR *d = opendir(dir);

	(void)state;
	while (d && (e = readdir(d))) {
		snprintf(cmd_path, sizeof(cmd_path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' && unlink(cmd_path) < 0)
			rmdir(cmd_path);
	}
	if (d)
		closedir(d);
	return rmdir(dir);
}

static const char *in_dir(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int entries(void)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void test_read(void **state)
{
	char buf[16];
	int fds[2];

	(void)state;
	for (int nonblock = 0; nonblock < 2; nonblock++) {
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(nse_set_nonblock(fds[0], nonblock), 0);
		assert_int_equal(fcntl(fds[0], F_GETFL) & O_NONBLOCK,
				 nonblock ? O_NONBLOCK : 0);
		assert_int_equal(write(fds[1], "abc", 3), 3);
		assert_int_equal(nse_wait_readable(fds[0], nse_now_us()), 0);
		assert_int_equal(nse_read_full(fds[0], buf, 3, NSE_FOREVER), 3);
		assert_memory_equal(buf, "abc", 3);
		assert_int_equal(nse_wait_readable(fds[0], nse_now_us()), -ETIMEDOUT);
		assert_int_equal(nse_read_full(fds[0], buf, 1, nse_now_us() + SOON),
				 -ETIMEDOUT);
		assert_int_equal(write(fds[1], "de", 2), 2);
		close(fds[1]);
		assert_int_equal(nse_read_full(fds[0], buf, 16, NSE_FOREVER), 2);
		assert_int_equal(nse_read_full(fds[0], buf, 16, nse_now_us() + SOON), 0);
		close(fds[0]);
	}
	assert_int_equal(nse_read_full(-1, buf, 1, NSE_FOREVER), -EBADF);
	assert_int_equal(nse_set_nonblock(-1, 1), -EBADF);
}

/* Nobody reads: the deadline holds, blocking descriptor or not. */
static void test_write_deadline(void **state)
{
	static char big[1 << 20];
	int fds[2];

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		if (kind / 2)
			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
						    0, fds),
					 0);
		else
			assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(nse_set_nonblock(fds[1], kind % 2), 0);
		assert_int_equal(nse_write_full(fds[1], big, sizeof(big),
						nse_now_us() + SOON),
				 -ETIMEDOUT);
		close(fds[0]);
		close(fds[1]);
	}
}

static void test_write_read(void **state)
{
	static char out[200000], in[200000];
	int fds[2];
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		_exit(nse_write_full(fds[1], out, sizeof(out), nse_now_us() + 20000000) !=
		      0);
	close(fds[1]);
	assert_int_equal(nse_read_full(fds[0], in, sizeof(in), nse_now_us() + 20000000),
			 sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	close(fds[0]);
	waitpid(pid, NULL, 0);
}

static void read_back(const char *path, const char *want)
{
	char text[64];

	assert_int_equal(nse_read_text(path, text, sizeof(text)), 0);
	assert_string_equal(text, want);
}

static void test_newfile(void **state)
{
	struct nse_newfile f = NSE_NEWFILE_INIT;
	struct nse_error err;
	struct stat st;
	const char *path = in_dir("out");

	(void)state;
	assert_int_equal(nse_newfile_open(&f, path, &err), 0);
	assert_int_equal(nse_write_full(f.fd, "one\n", 4, NSE_FOREVER), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(nse_newfile_commit(&f, &err), 0);
	assert_int_equal(f.fd, -1);
	nse_newfile_release(&f);
	read_back(path, "one");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Given up: the old one stays, nothing is left beside it. */
	assert_int_equal(nse_newfile_open(&f, path, &err), 0);
	assert_int_equal(nse_write_full(f.fd, "two\n", 4, NSE_FOREVER), 0);
	assert_int_equal(entries(), 2);
	nse_newfile_release(&f);
	nse_newfile_release(&f);
	read_back(path, "one");
	assert_int_equal(entries(), 1);
	unlink(path);
	assert_int_equal(nse_newfile_open(&f, in_dir("no/such"), &err), -ENOENT);
	assert_non_null(strstr(err.text, "no/such"));
	nse_newfile_release(&f);
	assert_int_equal(nse_newfile_open(&f, dir, &err), -EISDIR);
	nse_newfile_release(&f);
}

/* A device stays a device, a link stays a link. */
static void test_newfile_special(void **state)
{
	struct nse_newfile f = NSE_NEWFILE_INIT;
	struct nse_error err;
	struct stat st;
	char target[300];
	int fd;

	(void)state;
	assert_int_equal(nse_newfile_open(&f, "/dev/null", &err), 0);
	assert_int_equal(nse_write_full(f.fd, "x", 1, NSE_FOREVER), 0);
	assert_int_equal(nse_newfile_commit(&f, &err), 0);
	nse_newfile_release(&f);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));

	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	fd = open(in_dir("fifo"), O_RDONLY | O_NONBLOCK);
	assert_int_equal(nse_newfile_open(&f, in_dir("fifo"), &err), 0);
	assert_int_equal(nse_write_full(f.fd, "x", 1, NSE_FOREVER), 0);
	assert_int_equal(nse_newfile_commit(&f, &err), 0);
	nse_newfile_release(&f);
	assert_int_equal(read(fd, target, 2), 1);
	close(fd);

	snprintf(target, sizeof(target), "%s", in_dir("target"));
	fd = open(target, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(symlink("target", in_dir("link")), 0);
	assert_int_equal(nse_newfile_open(&f, in_dir("link"), &err), 0);
	assert_int_equal(nse_write_full(f.fd, "new", 3, NSE_FOREVER), 0);
	assert_int_equal(nse_newfile_commit(&f, &err), 0);
	nse_newfile_release(&f);
	assert_int_equal(lstat(in_dir("link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	read_back(target, "new");
}

static void test_mkdirs(void **state)
{
	struct nse_error err;
	struct stat st;

	(void)state;
	assert_int_equal(nse_mkdirs(in_dir("a//b/c/"), 0700, &err), 0);
	assert_int_equal(stat(in_dir("a/b/c"), &st), 0);
	assert_true(S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0700);
	assert_int_equal(nse_mkdirs(in_dir("a/b"), 0700, &err), 0);
	assert_int_equal(nse_mkdirs("", 0700, &err), -ENOENT);
	assert_int_equal(nse_mkdirs("/", 0700, &err), 0);
	close(open(in_dir("file"), O_CREAT | O_WRONLY, 0600));
	assert_int_equal(nse_mkdirs(in_dir("file"), 0700, &err), -ENOTDIR);
	assert_int_equal(nse_mkdirs(in_dir("file/x"), 0700, &err), -ENOTDIR);
	rmdir(in_dir("a/b/c"));
	rmdir(in_dir("a/b"));
}

static void test_read_text(void **state)
{
	char text[4];
	int fd = open(in_dir("text"), O_CREAT | O_WRONLY, 0600);

	(void)state;
	assert_int_equal(write(fd, "abcdef\n", 7), 7);
	close(fd);
	assert_int_equal(nse_read_text(in_dir("text"), text, sizeof(text)), 0);
	assert_string_equal(text, "abc");
	assert_int_equal(nse_read_text(in_dir("none"), text, sizeof(text)), -ENOENT);
	assert_int_equal(nse_read_text(dir, text, sizeof(text)), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_write_deadline),
		cmocka_unit_test(test_write_read),
		cmocka_unit_test_setup_teardown(test_newfile, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_newfile_special, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(test_mkdirs, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_read_text, make_dir, remove_dir),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
