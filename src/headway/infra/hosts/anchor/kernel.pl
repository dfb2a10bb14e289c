# What the kernel is asked for directly: clock, namespaces, accounts, limits. Only perl's built-in functions: each module
# that is loaded delays the first line of every deployment by milliseconds.
package Headway::Kernel;

use strict;

my %NUMBERS = (
    x86_64 => {
        clone     => 56,
        fsync     => 74,
        setsid    => 112,
        setgroups => 116,
        setresuid => 117,
        setresgid => 119,
        prctl     => 157,
        mount     => 165,
        prlimit   => 302,
    },
    aarch64 => {
        mount     => 40,
        fsync     => 82,
        setresuid => 147,
        setresgid => 149,
        setsid    => 157,
        setgroups => 159,
        prctl     => 167,
        clone     => 220,
        prlimit   => 261,
    },
);
$NUMBERS{$_} = $NUMBERS{aarch64} for qw(riscv64 loongarch64);

my ( $SIGCHLD, $SIGKILL )                 = ( 17, 9 );
my ( $NEWNS, $NEWUSER, $NEWPID )          = ( 0x20000, 0x10000000, 0x20000000 );
my ( $INTO_CGROUP, $CLONE3 )              = ( 1 << 33, 435 );
my ( $PDEATHSIG, $SUBREAPER, $NO_PRIVS )  = ( 1, 36, 38 );
my $SECCOMP                               = 22;
my %RLIMITS = ( fsize => 1, data => 2, core => 4, nproc => 6, nofile => 7 );

my $calls;
my $uptime;

# Chooses the system calls of a machine (uname -m). Without a table there are no namespaces, and POSIX and the programs
# of util-linux do the rest.
sub choose {
    my ($machine) = @_;
    $calls = length( pack 'p', undef ) == 8 ? $NUMBERS{$machine} : undef;
    return;
}

# Seconds since boot, in hundredths; no change of the wall clock moves it.
sub now {
    open $uptime, '<', '/proc/uptime' or die "cannot read /proc/uptime: $!\n" if !$uptime;
    sysseek $uptime, 0, 0;
    sysread $uptime, my $text, 64;
    return $text =~ /^([\d.]+)/ ? $1 : die "cannot read the time since boot\n";
}

# Forks. With namespaces the child is the first process of a PID namespace and has mounts of its own; with a cgroup it is
# born in it, which spares it the wait for the kernel's bookkeeping (10 ms at times). Gives undef when that is not allowed.
sub fork_process {
    my ( $namespaces, $cgroup ) = @_;
    my ( $uid, $gid ) = ( $>, $) + 0 );
    my $flags = !$namespaces ? 0 : $NEWPID | $NEWNS | ( $uid ? $NEWUSER : 0 );
    my $pid   = defined $cgroup ? clone_into( $cgroup, $flags ) : clone_process($flags);
    map_own_user( $uid, $gid ) if $flags & $NEWUSER && defined $pid && $pid == 0;
    return $pid;
}

sub clone_process {
    my ($flags) = @_;
    return fork if !$flags;
    return if !$calls;
    my $pid = syscall $calls->{clone}, $flags | $SIGCHLD, 0, 0, 0, 0;
    return $pid < 0 ? undef : $pid;
}

sub clone_into {
    my ( $cgroup, $flags ) = @_;
    return if !$calls;
    open my $folder, '<', $cgroup or return;
    my $request = pack 'Q11', $flags | $INTO_CGROUP, 0, 0, 0, $SIGCHLD, 0, 0, 0, 0, 0, fileno $folder;
    my $pid     = syscall $CLONE3, $request, length $request;
    close $folder;
    return $pid < 0 ? undef : $pid;
}

sub map_own_user {
    my ( $uid, $gid ) = map { 0 + $_ } @_;    # syscall() passes a text as a pointer
    for ( [ setgroups => 'deny' ], [ uid_map => "$uid $uid 1" ], [ gid_map => "$gid $gid 1" ] ) {
        my ( $file, $text ) = @$_;
        open my $handle, '>', "/proc/self/$file" or next;
        syswrite $handle, $text;
        close $handle;
    }
    return;
}

# Gives a process in new namespaces its own /proc; mounts of the machine still arrive, its own stay here.
sub mount_proc {
    my ( $none, $root, $type, $folder ) = ( 'none', '/', 'proc', '/proc' );
    my ( $nosuid_nodev_noexec, $recursive_slave ) = ( 2 | 4 | 8, 0x4000 | 0x80000 );
    return
      syscall( $calls->{mount}, $none, $root, 0, $recursive_slave, 0 ) == 0
      && syscall( $calls->{mount}, $type, $folder, $type, $nosuid_nodev_noexec, 0 ) == 0;
}

# Covers the machine's control groups for a process with mounts of its own: what they are called, and use, is other people's,
# and its own is closed to its account. It sees them where it is in no group of ours: what bounds it is among them then.
sub hide_groups {
    return if Headway::Cgroups::slurp('/proc/self/cgroup') !~ m{/headway/};
    my ( $none, $type, $closed ) = ( 'none', 'tmpfs', 'mode=555' );
    my ( $flags, %covered ) = ( 1 | 2 | 4 | 8 );    # for reading, without rights of files, devices and programs
    for my $line ( split /\n/, Headway::Cgroups::slurp('/proc/self/mountinfo') ) {
        my ($mount) = $line =~ /^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2? / or next;
        $mount =~ s/\\([0-7]{3})/chr oct $1/ge;
        $mount = '/sys/fs/cgroup' if index( $mount, '/sys/fs/cgroup/' ) == 0;
        syscall $calls->{mount}, $none, $mount, $type, $flags, $closed if !$covered{$mount}++;
    }
    return;
}

# Orphans below this process become its children instead of the machine's.
sub adopt_orphans {
    return $calls && syscall( $calls->{prctl}, $SUBREAPER, 1, 0, 0, 0 ) == 0;
}

sub die_with_parent {
    return $calls && syscall( $calls->{prctl}, $PDEATHSIG, $SIGKILL, 0, 0, 0 ) == 0;
}

sub lead_session {
    return syscall( $calls->{setsid} ) >= 0 if $calls;
    require POSIX;
    return POSIX::setsid() >= 0;
}

# Drops every right but those of the account, for good; the filter, where there is one, holds for all system calls that
# follow. A kernel that has no filters goes without.
sub become {
    my ( $uid, $gid ) = map { 0 + $_ } @_[ 0, 1 ];    # syscall() passes a text as a pointer
    my $filter = $_[2] // '';
    if ($calls) {
        syscall( $calls->{setgroups}, 0, 0 ) == 0
          && syscall( $calls->{setresgid}, $gid, $gid, $gid ) == 0
          && syscall( $calls->{setresuid}, $uid, $uid, $uid ) == 0
          && syscall( $calls->{prctl}, $NO_PRIVS, 1, 0, 0, 0 ) == 0
          or die "cannot become the account $uid: $!\n";
        my $program = pack 'S x6 P', length($filter) / 8, $filter;
        syscall( $calls->{prctl}, $SECCOMP, 2, $program, 0, 0 ) if length $filter;
    }
    else {
        require POSIX;
        $) = "$gid $gid";
        POSIX::setgid($gid) && POSIX::setuid($uid) or die "cannot become the account $uid: $!\n";
    }
    die "still not the account $uid\n" if $< != $uid || $> != $uid || $( + 0 != $gid || $) + 0 != $gid;
    return;
}

# Sets resource limits, name => number, or gives the words to put before a program's own so that util-linux sets them.
sub confine {
    my (%limits) = @_;
    return map { '--' . $_ . '=' . $limits{$_} } sort keys %limits if !$calls;
    for my $name ( keys %limits ) {
        my $bounds = pack 'QQ', $limits{$name}, $limits{$name};
        syscall( $calls->{prlimit}, 0, $RLIMITS{$name}, $bounds, 0 ) == 0 or die "cannot set the limit $name: $!\n";
    }
    return;
}

sub knows_system_calls {
    return defined $calls;
}

# Puts a file's content on the disk.
sub sync_file {
    my ($handle) = @_;
    return syscall( $calls->{fsync}, fileno $handle ) == 0 if $calls;
    require IO::Handle;
    return $handle->sync;
}

sub sync_folder {
    my ($path) = @_;
    open my $handle, '<', $path or return;
    my $done = $calls ? syscall( $calls->{fsync}, fileno $handle ) == 0 : 1;
    close $handle;
    return $done;
}

1;
