/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The child with a namespace of its own. It answers through shared memory, is
 * killed when its time is up, and by the kernel when its parent dies.
 */
#include "lib/engine/nft/private.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/proc.h"

/* What the child says. */
struct answer {
	int rc;
	struct nse_error err;
};

static int write_text(const char *path, const char *text)
{
	NSE_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t n = strlen(text);

	if (fd < 0)
		return -errno;
	return write(fd, text, n) == (ssize_t)n ? 0 : -EIO;
}

/* Without an id 0 in it, a program that is executed would lose its rights. */
static int map_ids(uid_t uid, gid_t gid)
{
	char line[64];
	int rc;

	snprintf(line, sizeof(line), "0 %u 1", (unsigned int)uid);
	rc = write_text("/proc/self/uid_map", line);
	if (rc == 0)
		rc = write_text("/proc/self/setgroups", "deny");
	snprintf(line, sizeof(line), "0 %u 1", (unsigned int)gid);
	return rc < 0 ? rc : write_text("/proc/self/gid_map", line);
}

static int enter(struct nse_error *err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int code;

	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	code = errno;
	if (code == EPERM && unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
		code = -map_ids(uid, gid);
	if (code == 0)
		return 0;
	return nse_error(err, -EPERM, "no network namespace can be made for a trial: %s",
			 strerror(code));
}

static _Noreturn void child(nft_private_fn *fn, void *arg, bool namespace, pid_t parent,
			    struct answer *answer)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	int rc;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	rc = namespace ? enter(&answer->err) : 0;
	if (rc == 0)
		rc = fn(arg, &answer->err);
	answer->rc = rc;
	_exit(0);
}

static int run(nft_private_fn *fn, void *arg, bool namespace, int64_t deadline_us,
	       struct nse_error *err)
{
	struct answer *answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), pid;
	int rc;

	if (answer == MAP_FAILED)
		return nse_errno(err, -errno, "memory for a child process");
	pid = fork();
	if (pid == 0)
		child(fn, arg, namespace, parent, answer);
	if (pid < 0) {
		rc = nse_errno(err, -errno, "starting a child process");
		munmap(answer, sizeof(*answer));
		return rc;
	}
	rc = nse_wait_child(pid, deadline_us);
	if (rc < 0) {
		kill(pid, SIGKILL);
		nse_wait_child(pid, NSE_FOREVER);
		nse_errno(err, rc, "waiting for a child process");
	} else if (answer->rc < 0) {
		rc = answer->rc;
		if (err)
			*err = answer->err;
	}
	munmap(answer, sizeof(*answer));
	return rc;
}

int nft_private_run(nft_private_fn *fn, void *arg, int64_t deadline_us,
		    struct nse_error *err)
{
	return run(fn, arg, true, deadline_us, err);
}

int nft_private_fork(nft_private_fn *fn, void *arg, int64_t deadline_us,
		     struct nse_error *err)
{
	return run(fn, arg, false, deadline_us, err);
}
