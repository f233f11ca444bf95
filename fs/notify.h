/* SPDX-License-Identifier: MIT */
/* notify.h - telling the service manager how far the daemon is. */
#ifndef DRIFT_FS_NOTIFY_H
#define DRIFT_FS_NOTIFY_H

/* Send state ("READY=1", "STOPPING=1", several with a newline between them) to the
 * manager that started this process with $NOTIFY_SOCKET, as sd_notify(3) describes
 * it; without one, or when it does not listen, nothing happens. */
void notify_manager(const char *state);

#endif
