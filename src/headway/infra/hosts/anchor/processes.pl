# The machine's table of processes, and ending a tree of them where neither a cgroup nor a namespace holds it together.
package Headway::Processes;

use strict;

my ( $ENOENT, $ESRCH, $KERNEL_THREAD ) = ( 2, 3, 0x00200000 );

# All processes: pid => { parent, session, start, dead, bare }; start is in clock ticks since boot. One whose first thread
# has left while others go on is in the state of one that has ended, and is not dead. What is bare has no environment.
sub table {
    opendir my $folder, '/proc' or die "cannot read /proc: $!\n";
    my %table;
    for my $pid ( grep { /^\d+$/ } readdir $folder ) {
        my $process = look($pid) or next;
        $table{$pid} = $process;
    }
    closedir $folder;
    return \%table;
}

sub look {
    my ($pid) = @_;
    my @fields = fields($pid) or return;
    my $dead = $fields[0] =~ /[ZX]/ && $fields[17] < 2;
    my $bare = $dead || $fields[6] & $KERNEL_THREAD;
    return { parent => $fields[1], session => $fields[3], start => $fields[19], dead => $dead, bare => $bare };
}

# The same for whoever takes one that cannot be seen for gone: dies where it may be there (no more files may be opened).
sub look_surely {
    my ($pid) = @_;
    local $! = 0;
    my $process = look($pid);
    die "cannot look at process $pid: $!\n" if !$process && $! && $! != $ENOENT && $! != $ESRCH;
    return $process;
}

# What the kernel says of it behind its name, which may hold brackets and blanks.
sub fields {
    my ($pid) = @_;
    open my $handle, '<', "/proc/$pid/stat" or return;
    my $got = sysread $handle, my $text, 4096;
    close $handle;
    return $got && $text =~ /^.*\) (.*)/s ? split / /, $1 : ();
}

# The given processes and all below them that are in the table, parents first.
sub with_descendants {
    my ( $table, @roots ) = @_;
    my %children;
    push @{ $children{ $table->{$_}{parent} } }, $_ for keys %$table;
    my ( %seen, @found );
    my @queue = grep { $table->{$_} } @roots;
    while ( defined( my $pid = shift @queue ) ) {
        next if $seen{$pid}++;
        push @found, $pid;
        push @queue, @{ $children{$pid} // [] };
    }
    return @found;
}

sub carries {
    my ( $pid, @marks ) = @_;
    my $text = "\0" . initial_environment($pid);
    for my $mark (@marks) {
        return 0 if index( $text, "\0$mark\0" ) < 0;
    }
    return 1;
}

# The variables that a process was started with. The kernel shows none for the moment in which it becomes another program;
# this waits until that is over, so that nobody is overlooked. Of a process whose first thread has left another tells it.
sub initial_environment {
    my ($pid) = @_;
    for ( 1 .. 100 ) {
        open my $handle, '<', "/proc/$pid/environ" or return $! == $ESRCH ? environment_of_others($pid) : '';
        local $/ = undef;
        my $text = readline($handle) // '';
        close $handle;
        return $text if length $text;
        my @fields = fields($pid) or return '';
        return environment_of_others($pid) if $fields[0] =~ /[ZX]/;
        return '' if !is_becoming_a_program(@fields);
        select undef, undef, undef, 0.0005;
    }
    return '';
}

# Where the kernel tells of a process what it has in hand. Of one whose first thread has left another tells that.
sub folder_of {
    my ($pid) = @_;
    my @fields = fields($pid) or return "/proc/$pid";
    return "/proc/$pid" if $fields[0] !~ /[ZX]/ || $fields[17] < 2;
    my ($thread) = grep { $_ != $pid } threads_of($pid);
    return defined $thread ? "/proc/$pid/task/$thread" : "/proc/$pid";
}

sub environment_of_others {
    my ($pid) = @_;
    for my $thread ( grep { $_ != $pid } threads_of($pid) ) {
        my $text = Headway::Cgroups::slurp("/proc/$pid/task/$thread/environ");
        return $text if length $text;
    }
    return '';
}

# By proc_pid_stat(5): not a thread of the kernel, and its env_end not set yet.
sub is_becoming_a_program {
    my (@fields) = @_;
    return @fields > 48 && !( $fields[6] & $KERNEL_THREAD ) && $fields[48] == 0;
}

# Sends a signal to a process only if it still is the one that was seen.
sub signal {
    my ( $name, $pid, $start ) = @_;
    my $process = look($pid);
    return $process && $process->{start} == $start ? kill $name, $pid : 0;
}

# The children of a process, of any of its threads; nothing where the kernel does not list them.
sub children_of {
    my ($pid) = @_;
    return map { split / /, Headway::Cgroups::slurp("/proc/$pid/task/$_/children") } threads_of($pid);
}

sub threads_of {
    my ($pid) = @_;
    opendir my $threads, "/proc/$pid/task" or return;
    my @found = grep { /^\d+$/ } readdir $threads;
    closedir $threads;
    return @found;
}

# What a command has left, without what is below `spared`. First a quick look at what is below us, where all orphans are
# too, if the kernel lets us adopt them; only when that finds nothing, a look at all processes of the machine.
sub remnants {
    my (%of)   = @_;
    my %spared = map { $_ => 1 } @{ $of{spared} };
    my @queue  = children_of($$);
    my %found;
    while ( defined( my $pid = shift @queue ) ) {
        next if $spared{$pid} || $found{$pid};
        $found{$pid} = look($pid) // next;
        push @queue, children_of($pid);
    }
    return %found ? \%found : remnants_anywhere(%of);
}

# Processes below `roots`, in their sessions, adopted by us, or, where there is no such, with all the marks in their
# environment.
sub remnants_anywhere {
    my (%of) = @_;
    my $table  = table();
    my %roots  = map { $_ => 1 } @{ $of{roots} };
    my %spared = map { $_ => 1 } $$, with_descendants( $table, @{ $of{spared} } );
    my @others = grep { !$spared{$_} } keys %$table;
    my @found  = grep { $roots{$_} || $table->{$_}{parent} == $$ || $roots{ $table->{$_}{session} } } @others;
    # Last, since it reads a file of each process.
    @found = grep { !$table->{$_}{bare} && carries( $_, @{ $of{marks} } ) } @others if !@found;
    return { map { $_ => $table->{$_} } grep { !$spared{$_} } with_descendants( $table, @found ) };
}

# Ends the remnants: first all are stopped, until a look finds no new one, so that none can fork while the others are
# killed. Gives how many were found at the last look.
sub end_remnants {
    my (%of) = @_;
    my ( %stopped, $remnants );
    for ( 1 .. 50 ) {
        $remnants = remnants(%of);
        my @new = grep { !$stopped{"$_ $remnants->{$_}{start}"}++ && !$remnants->{$_}{dead} } keys %$remnants;
        last if !@new;
        signal( STOP => $_, $remnants->{$_}{start} ) for @new;
    }
    signal( KILL => $_, $remnants->{$_}{start} ) for keys %$remnants;
    return scalar keys %$remnants;
}

1;
