# SPDX-License-Identifier: GPL-2.0-or-later
"""A real VM for tests/stack/torture: it boots, is reset, stands still, goes to a file and comes back, dies, and its
library is replaced on disk."""

import contextlib
import os
import shutil
import subprocess

import stack

VIRSH = ["virsh", "-q", "-c", "qemu:///system"]
VM_SH = os.path.join(stack.ROOT, "scripts", "vm.sh")


def said(*command):
    return subprocess.run(command, text=True, capture_output=True, check=False).stdout.strip()


class Vm:
    """`busy` is the command that changes its state. Between two commands it is off, on, paused or saved."""

    def __init__(self, folder):
        self.folder, self.state, self.next, self.busy, self.failures = folder, "off", "off", None, []
        self.lib = os.path.join(folder, "lib")
        shutil.copytree(stack.TRACED, self.lib, symlinks=True)
        self.name = said(VM_SH, "name", "torture")
        self.saved, self.log = os.path.join(folder, "saved"), os.path.join(folder, "log")

    def begin(self, state, *command):
        env = {**os.environ, "SPICETAP_SPICE_LIB": self.lib, "SPICETAP_OWNER": str(os.getpid())}
        with open(self.log, "a", encoding="utf-8") as log:
            print("+", *command, file=log, flush=True)
            self.busy = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        self.next = state

    def settled(self):
        """The state, once no command is under way. A command that failed is kept for the report."""
        if self.busy and self.busy.poll() is None:
            return None
        if self.busy:
            if self.busy.returncode:
                self.failures.append(f"{' '.join(self.busy.args)}: exit {self.busy.returncode}")
                self.next = "off" if not self.pid() else self.state
            self.state, self.busy = self.next, None
        return self.state

    def pid(self):
        number = said(VM_SH, "pid", "--name", self.name)
        return int(number) if number.isdigit() else None

    def deed(self, rand):
        """Does something to it. The name of the deed, or None: it is busy."""
        state = self.settled()
        deeds = {
            "off": ["start"],
            "on": ["reset", "suspend", "save", "destroy", "replace"],
            "paused": ["resume"],
            "saved": ["restore"],
        }.get(state)
        if not deeds:
            return None
        deed = rand.choice(deeds)
        getattr(self, deed)()
        return deed

    def start(self):
        self.begin("on", VM_SH, "start", "--name", self.name)

    def reset(self):
        self.begin("on", *VIRSH, "reset", self.name)

    def suspend(self):
        self.begin("paused", *VIRSH, "suspend", self.name)

    def resume(self):
        self.begin("on", *VIRSH, "resume", self.name)

    def save(self):
        self.begin("saved", *VIRSH, "save", self.name, self.saved)

    def restore(self):
        self.begin("on", *VIRSH, "restore", self.saved)

    def destroy(self):
        self.begin("off", VM_SH, "stop", "--name", self.name)

    def replace(self):
        """As a package upgrade does: a new file of the same name."""
        path = os.path.realpath(os.path.join(self.lib, "libspice-server.so.1"))
        shutil.copy(path, path + ".new")
        os.rename(path + ".new", path)

    def close(self):
        if self.busy:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.busy.wait(300)
        subprocess.run([VM_SH, "stop", "--name", self.name], capture_output=True, check=False)
        with contextlib.suppress(OSError):
            os.unlink(self.saved)
