/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The payload of a stream's header frame.
 */
#ifndef NSE_CONTEXT_STREAM_HEADER_H
#define NSE_CONTEXT_STREAM_HEADER_H

#include "lib/context/stream.h"
#include "lib/util/buf.h"

/* JSON text in *text, which the caller frees. -ENOMEM, -EINVAL, -EMSGSIZE. */
int nse_stream_header_encode(const struct nse_stream_header *h, char **text,
			     struct nse_error *err);

/* Fills *h (initialised) from hostile bytes; -EBADMSG or -EMSGSIZE. */
int nse_stream_header_decode(struct nse_stream_header *h, struct nse_cur json,
			     struct nse_error *err);

#endif
