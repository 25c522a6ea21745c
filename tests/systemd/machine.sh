#!/bin/bash
# Becomes systemd as process 1 of a throw-away machine: this one's files under an overlay in memory, own process numbers,
# mounts, network (loopback only), host name and cgroups. Nothing that happens in it reaches the outside, but for the
# folder /evidence. Needs root; unshare(1) is to have made the namespaces.
#
# machine.sh EVIDENCE PROJECT SITE_PACKAGES PYTHON
set -euo pipefail
evidence=$1 project=$2 packages=$3 python=$4

mount --make-rprivate /
stage=$evidence/stage
mkdir -p "$stage"
mount -t tmpfs -o mode=0755 clerkd-machine "$stage"
mkdir "$stage/upper" "$stage/work" "$stage/root"
root=$stage/root
mount -t overlay clerkd-machine -o "lowerdir=/,upperdir=$stage/upper,workdir=$stage/work" "$root"

# What the kernel offers; nothing of it that belongs to everybody can be written to.
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
for file in sys sysrq-trigger; do
    [[ -e $root/proc/$file ]] || continue
    mount --bind "$root/proc/$file" "$root/proc/$file"
    mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc/$file"
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=0755,nosuid dev "$root/dev"
while read -r name major minor; do mknod -m 0666 "$root/dev/$name" c "$major" "$minor"; done <<'NODES'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
NODES
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
for place in dev/shm run tmp var/tmp var/log etc/systemd/system; do
    mount -t tmpfs -o mode=0755 tmpfs "$root/$place"
done
chmod 1777 "$root/tmp" "$root/var/tmp" "$root/dev/shm"
mkdir -p "$root/evidence"
mount --bind "$evidence" "$root/evidence"

# The program, where the unit looks for it: a virtual environment of the same packages.
venv=$root/opt/clerkd
rm -rf "$venv"
mkdir -p "$venv/bin" "$venv/parts/project" "$venv/parts/packages"
for part in daemon knowledge config systemd tests; do
    mkdir "$venv/parts/project/$part"
    mount --bind -o ro "$project/$part" "$venv/parts/project/$part"
done
mount --bind -o ro "$packages" "$venv/parts/packages"
base=$("$python" -c 'import sys; print(sys.base_prefix)')
version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
interpreter=$base/bin/$version
if [[ $base != /usr ]]; then # it may lie in a home, which the unit hides
    mkdir "$venv/parts/python"
    mount --bind -o ro "$base" "$venv/parts/python"
    interpreter=/opt/clerkd/parts/python/bin/$version
    echo /opt/clerkd/parts/python/lib >"$root/etc/ld.so.conf.d/clerkd-machine.conf"
    chroot "$root" ldconfig
fi
ln -s "$interpreter" "$venv/bin/python"
mkdir -p "$venv/lib/$version/site-packages"
printf '%s\n' /opt/clerkd/parts/packages /opt/clerkd/parts/project >"$venv/lib/$version/site-packages/parts.pth"
printf 'home = %s\ninclude-system-site-packages = false\n' "$(dirname "$interpreter")" >"$venv/pyvenv.cfg"
printf '#!/opt/clerkd/bin/python\nfrom daemon.cli import main\n\nmain()\n' >"$venv/bin/clerkd"
chmod 0755 "$venv/bin/clerkd"

# The units, installed as systemd/README.md says.
install -D -m 0644 "$project/systemd/clerkd.service" "$root/etc/systemd/system/clerkd.service"
install -D -m 0644 "$project/systemd/clerkd-web.service" "$root/etc/systemd/system/clerkd-web.service"
install -D -m 0644 "$project/systemd/clerkd.sysusers" "$root/etc/sysusers.d/clerkd.conf"
install -D -m 0644 "$project/systemd/clerkd.tmpfiles" "$root/etc/tmpfiles.d/clerkd.conf"
install -D -m 0755 "$project/systemd/clerkd-as-service" "$root/usr/local/sbin/clerkd-as-service"
cat >"$root/etc/systemd/system/proof.service" <<'UNIT'
[Unit]
Wants=dbus.socket
After=dbus.socket

[Service]
Type=oneshot
ExecStart=/opt/clerkd/bin/python -m tests.systemd.inside
WorkingDirectory=/opt/clerkd/parts/project
StandardOutput=file:/evidence/inside.log
StandardError=inherit
ExecStopPost=systemctl --no-block exit
TimeoutStartSec=infinity
UNIT
for unit in systemd-{modules-load,binfmt,remount-fs,journal-flush,update-utmp}.service dev-hugepages.mount \
    sys-{fs-fuse-connections,kernel-config,kernel-debug,kernel-tracing}.mount; do
    ln -s /dev/null "$root/etc/systemd/system/$unit"
done
: >"$root/etc/fstab"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
echo clerkd-machine >"$root/etc/hostname"

mkdir "$root/tmp/outside"
cd "$root"
pivot_root . tmp/outside
umount -l /tmp/outside
rmdir /tmp/outside
mount --make-rshared / # as systemd does where it is not in a container; LoadCredential= needs it
exec setpriv --bounding-set=-sys_module,-sys_rawio,-sys_time,-syslog,-wake_alarm,-block_suspend,-mac_admin,-mac_override \
    env -i container=clerkd-machine PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin LANG=C.UTF-8 \
    /lib/systemd/systemd --system --unit=proof.service --log-target=journal-or-kmsg --show-status=false
