/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The contract of a platform: which domains exist, and how one of them moves.
 * A platform knows nothing of records.
 */
#ifndef NSE_PLATFORM_PLATFORM_H
#define NSE_PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/util/domain.h"
#include "lib/util/error.h"

struct nse_platform;
struct nse_move;

/* Where a move stands. */
enum nse_move_event {
	NSE_MOVE_NONE,	    /* the deadline passed and nothing happened */
	NSE_MOVE_SUSPENDED, /* the domain is frozen here */
	NSE_MOVE_READY,	    /* complete at the target, held back from running there */
	NSE_MOVE_ENDED,	    /* the platform's program has ended, see status */
};

/*
 * What move_status() says when go was given and nothing confirmed where the
 * domain runs, or when two facts contradict each other. The caller asks
 * running() on both hosts; it never guesses.
 */
#define NSE_MOVE_UNCLEAR (-1)

struct nse_move_spec {
	const char *domain;   /* name or id */
	const char *host;     /* [USER@]HOST as the platform's program wants it */
	char *const *options; /* NULL-terminated, passed to the platform's program */
	const char *const
		*rsh; /* NULL-terminated command for the remote shell; NULL: ssh */
};

/* How far the copying of memory has come. */
struct nse_move_progress {
	uint64_t bytes; /* passed to the target so far */
	uint64_t total; /* the domain's memory, 0: unknown */
};

struct nse_platform_ops {
	const char *name;
	/* What its own program looks for on the other host, through ssh; or NULL. */
	const char *program_there;
	/* Calls each() for every domain that runs here. 0 or -errno. */
	int (*list)(struct nse_platform *p,
		    int (*each)(void *arg, const struct nse_domain *d), void *arg,
		    struct nse_error *err);
	/* By name or id. -ENOENT with a text when there is none. */
	int (*describe)(struct nse_platform *p, const char *domain, struct nse_domain *d,
			struct nse_error *err);
	/* The copy of the domain that is arriving here, or -ENOENT. */
	int (*incoming)(struct nse_platform *p, const char *domain, struct nse_domain *d,
			struct nse_error *err);
	/*
	 * Is it running here: 1 yes, 0 no (absent, paused, suspended or only
	 * arriving), or -errno with a text when that cannot be found out.
	 */
	int (*running)(struct nse_platform *p, const char *domain, struct nse_error *err);
	/*
	 * Both optional (NULL): the memory that a domain has, and what a further
	 * domain could get on this host, in KiB. *sure is cleared when the platform
	 * may find more than that. -errno when it does not tell; err may be NULL.
	 */
	int (*memory)(struct nse_platform *p, const char *domain, uint64_t *kib,
		      struct nse_error *err);
	int (*free_memory)(struct nse_platform *p, uint64_t *kib, bool *sure,
			   struct nse_error *err);
	/*
	 * Destroys the paused copy that a broken move left behind here. 0 also
	 * when there is none; never touches a domain that runs.
	 */
	int (*drop_incoming)(struct nse_platform *p, const char *domain,
			     struct nse_error *err);
	/* Starts the move; it stops by itself before the domain runs there. */
	int (*move_start)(struct nse_platform *p, const struct nse_move_spec *spec,
			  struct nse_move **move, struct nse_error *err);
	/*
	 * Waits until the deadline (nse_now_us() time) for the next event; each
	 * is reported once, SUSPENDED before READY. Returns an enum
	 * nse_move_event or -errno. *at_us gets the time at which it happened.
	 */
	int (*move_wait)(struct nse_move *move, int64_t deadline_us, int64_t *at_us,
			 struct nse_error *err);
	/*
	 * What move_wait() has heard so far of the memory; does not wait. Memory
	 * that the domain writes to is copied again: bytes may exceed total.
	 * NULL: the platform cannot tell.
	 */
	void (*move_progress)(const struct nse_move *move, struct nse_move_progress *p);
	/* The descriptor to poll for move_wait(), or -1. */
	int (*move_fd)(struct nse_move *move);
	/*
	 * Lets the domain run at the target: the line of no return. An error
	 * says that go was certainly not given, so that aborting is still safe.
	 */
	int (*move_go)(struct nse_move *move, struct nse_error *err);
	/*
	 * Before move_go(): the domain goes on here. Waits until it does; what
	 * has not ended by the deadline is killed. -ETIMEDOUT with a text when
	 * it had to be killed and the platform cannot say what became of the
	 * domain. Also right after NSE_MOVE_ENDED.
	 */
	int (*move_abort)(struct nse_move *move, int64_t deadline_us,
			  struct nse_error *err);
	/*
	 * After NSE_MOVE_ENDED: 0 the domain runs at the target, 1 to 255 the
	 * program's exit status and it goes on here, or NSE_MOVE_UNCLEAR.
	 */
	int (*move_status)(const struct nse_move *move);
	/* After NSE_MOVE_ENDED: what is known of the cause, "" if nothing. */
	const char *(*move_reason)(const struct nse_move *move);
	/* Kills what still runs of it; NULL is accepted. */
	void (*move_free)(struct nse_move *move);
	void (*free)(struct nse_platform *p);
};

/* The start of each platform's own struct. */
struct nse_platform {
	const struct nse_platform_ops *ops;
};

/*
 * spec: "xen", "script:PROGRAM", or NULL for the default (xen where it runs,
 * else `configured`, which may be NULL). *p is NULL with return 0 when there
 * is no platform at all and none was asked for.
 */
int nse_platform_open(struct nse_platform **p, const char *spec, const char *configured,
		      struct nse_error *err);
void nse_platform_close(struct nse_platform *p);

/* The two that exist. */
int nse_platform_script_open(struct nse_platform **p, const char *program,
			     struct nse_error *err);
int nse_platform_xen_open(struct nse_platform **p, struct nse_error *err);
/* Does this host run Xen, and are we dom0? No error text. */
int nse_platform_xen_present(void);

#endif
