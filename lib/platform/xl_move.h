/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A move by `xl migrate` with the gate in between: the controller's side. It
 * knows nothing of libxl: what only Xen can tell comes through a struct of
 * functions, so that everything here runs (and is tested) on any Linux.
 */
#ifndef NSE_PLATFORM_XL_MOVE_H
#define NSE_PLATFORM_XL_MOVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/platform/platform.h"
#include "lib/platform/xl_control.h"

/* What the source's hypervisor knows of the domain. */
struct nse_xl_source {
	int fd; /* readable when something may have changed; -1: none */
	/* 1 the domain is suspended, 0 not yet, -errno. Makes fd quiet. */
	int (*suspended)(void *arg);
	/*
	 * xl has ended and the domain cannot run at the target: makes sure that
	 * it runs here (xl does so itself unless it was killed). 0 or -errno.
	 */
	int (*resume)(void *arg, bool killed, struct nse_error *err);
	void (*free)(void *arg);
	void *arg; /* owned by the move from nse_xl_move_start() on */
};

struct nse_xl_move_spec {
	const char *xl;			  /* the program, "xl" */
	const char *const *gate;	  /* NULL-terminated: nsemig, xl-gate */
	const struct nse_move_spec *move; /* what shall be moved */
	struct nse_xl_limits limits;
	uint64_t memory;    /* the domain's, in bytes; 0: unknown */
	int64_t connect_us; /* from xl's start to the gate's */
	struct nse_xl_source source;
};

#define NSE_XL_CONNECT_US 60000000

/*
 * The move_* functions of platform.h. start() takes over spec->source, also
 * when it fails.
 */
int nse_xl_move_start(const struct nse_xl_move_spec *spec, struct nse_move **move,
		      struct nse_error *err);
int nse_xl_move_wait(struct nse_move *move, int64_t deadline_us, int64_t *at_us,
		     struct nse_error *err);
int nse_xl_move_fd(struct nse_move *move);
void nse_xl_move_progress(const struct nse_move *move, struct nse_move_progress *p);
int nse_xl_move_go(struct nse_move *move, struct nse_error *err);
int nse_xl_move_abort(struct nse_move *move, int64_t deadline_us, struct nse_error *err);
int nse_xl_move_status(const struct nse_move *move);
const char *nse_xl_move_reason(const struct nse_move *move);
void nse_xl_move_free(struct nse_move *move);

/* The argument vector for xl, in one allocation each; see xl_command.c. */
struct nse_xl_command {
	char **argv;  /* owned; its strings are borrowed */
	char *shell;  /* owned: the value of -s */
	char *quoted; /* owned: the host as sh reads it */
};

/*
 * Builds `xl migrate OPTIONS -s "GATE SOCKET -- RSH" DOMAIN HOST`. -EINVAL
 * with a text for options that would take the gate out of the way (-s) or
 * shift the arguments, and for names that begin with '-'.
 */
int nse_xl_command(struct nse_xl_command *c, const struct nse_xl_move_spec *spec,
		   const char *socket, struct nse_error *err);
void nse_xl_command_release(struct nse_xl_command *c);

#endif
