/* SPDX-License-Identifier: MIT */
/*
 * Every way to the content of a message (requirements S1-3, N11): each SQL text that reads the
 * column message.stanza is in a file named here, with what it is for. scripts/check-read-paths
 * fails for one that is not, and the canary test drives each of these paths. Modules cannot name
 * the table at all: they read through archive.h, message.h and removal.h.
 *
 *   READ_PATH(name, file, what it is for and how it applies the state)
 */
READ_PATH(archive, "core/store/archive_rows.c",
          "pages of archives and single entries: tombstones are made in archive.c")
READ_PATH(queue, "core/store/pending.c", "what waits for a device: only what is live")
READ_PATH(resend, "core/store/message.c", "what is sent again: only what is live")
READ_PATH(purge, "core/store/removal.c", "to keep the header of what is purged")
READ_PATH(privileged, "core/store/record.c",
          "headers for decisions; sealed content for privileged reads, which are recorded")
READ_PATH(scan, "core/store/scan.c",
          "bodies compared with the keyword of a legal hold; nothing of them is handed out")
