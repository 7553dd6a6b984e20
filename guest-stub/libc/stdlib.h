/* SPDX-License-Identifier: MIT */
/* libfdt includes it; nothing of it is used in the sources that the stub takes. */
