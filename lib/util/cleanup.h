/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scope-bound release of memory and descriptors, the project's one way to
 * clean up inside a function. Rollback of the outside world (kernel state,
 * a peer's state) is never done here: that is the undo of a session step.
 */
#ifndef NSE_UTIL_CLEANUP_H
#define NSE_UTIL_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define NSE_CLEANUP(fn) __attribute__((cleanup(fn)))

/* NSE_FREE char *p = NULL; free(p) when p goes out of scope. */
#define NSE_FREE NSE_CLEANUP(nse_freep)
/* NSE_CLOSE int fd = -1; close(fd) when fd goes out of scope and is >= 0. */
#define NSE_CLOSE NSE_CLEANUP(nse_closep)

static inline void nse_freep(void *p)
{
	free(*(void **)p);
}

static inline void nse_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Moves a pointer out of a variable that is released at the end of scope. */
#define nse_take(p)                                                                      \
	({                                                                               \
		__typeof__(p) taken_ = (p);                                              \
		(p) = NULL;                                                              \
		taken_;                                                                  \
	})

#define NSE_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
