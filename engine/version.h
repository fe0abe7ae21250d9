/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The version, in its one place: the Makefile reads it from here for the
 * shared library's name and repute.pc.
 */
#ifndef ENGINE_VERSION_H
#define ENGINE_VERSION_H

#define VERSION_TEXT "0.1.0"
#define VERSION_DATE "November 21, 2026" /* of the release, for the man pages */

#endif
