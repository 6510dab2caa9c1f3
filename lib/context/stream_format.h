/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of the context stream, as nsemig-stream(5) specifies them:
 *
 *	prologue: magic (8) | u16 version | u16 flags | u32 reserved
 *	frame:    u64 checksum | u16 type | u16 flags | u32 sequence |
 *	          u32 raw length | u32 stored length | stored payload
 *
 * Everything is big endian.
 */
#ifndef NSE_CONTEXT_STREAM_FORMAT_H
#define NSE_CONTEXT_STREAM_FORMAT_H

/* A high bit, both kinds of line ends and ^Z: text conversions break it. */
#define NSE_STREAM_MAGIC    "\x89NSE\r\n\x1a\n"
#define NSE_STREAM_PROLOGUE 16

#define NSE_FRAME_HEAD 24
#define NSE_FRAME_SUM  8 /* bytes of the checksum, which covers all behind it */

#define NSE_FRAME_HEADER   1
#define NSE_FRAME_ROWS	   2
#define NSE_FRAME_RESET	   3
#define NSE_FRAME_END	   4
#define NSE_FRAME_OPTIONAL 0x8000 /* a reader that does not know it skips it */

#define NSE_FRAME_ZSTD 0x0001 /* flag: the payload is one zstd frame */

#define NSE_FRAME_END_SIZE 32

#define NSE_ROWS_PUT 0
#define NSE_ROWS_DEL 1
#define NSE_ROWS_MAX 65536 /* rows of one frame */

#endif
