/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The handles of Xen's libraries, and the few questions that several files
 * ask of them.
 */
#ifndef NSE_PLATFORM_XEN_CTX_H
#define NSE_PLATFORM_XEN_CTX_H

#include <stdbool.h>
#include <stdint.h>

#include <libxl.h>
#include <libxl_utils.h>
#include <xenstore.h>

#include "lib/platform/platform.h"

/* Keeps libxenlight's own words for the text of our errors. */
struct nse_xen_log {
	xentoollog_logger base;
	char first[256]; /* error since it was emptied, "" for none */
};

struct nse_xen_ctx {
	struct nse_xen_log *log;
	libxl_ctx *libxl;
	struct xs_handle *xs;
};

/* All or nothing; -errno with a text. */
int nse_xen_ctx_open(struct nse_xen_ctx *x, struct nse_error *err);
void nse_xen_ctx_close(struct nse_xen_ctx *x);

/* Sets a text with what libxenlight said behind it. Returns code. */
int nse_xen_error(struct nse_xen_ctx *x, struct nse_error *err, int code, const char *fmt,
		  ...) __attribute__((format(printf, 4, 5)));

/* Before calls that start helper programs: libxl must reap only its own. */
void nse_xen_own_children(struct nse_xen_ctx *x);

/* What libxl knows of a domain: 0, -ENOENT, or -EIO. info is initialised here. */
int nse_xen_info(struct nse_xen_ctx *x, uint32_t domid, libxl_dominfo *info);

/* Suspended by a migration (and not by the guest's end)? */
bool nse_xen_is_suspended(const libxl_dominfo *info);

/* A string from xenstore (printf-like path), to be freed; NULL if none. */
char *nse_xen_read(struct nse_xen_ctx *x, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Describes a domain; with claims, also by what the guest says of itself. */
int nse_xen_describe(struct nse_xen_ctx *x, uint32_t domid, bool claims,
		     struct nse_domain *d, struct nse_error *err);

/* nse_platform_ops.move_start for a domain that was found here. */
int nse_xen_move_start(uint32_t domid, const char *name, const struct nse_move_spec *spec,
		       struct nse_move **move, struct nse_error *err);

#endif
