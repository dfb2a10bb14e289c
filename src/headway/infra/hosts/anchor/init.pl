# The first process of a command: it starts the stages, reports how each ended, adopts and buries what they leave, and is
# killed by the anchor when all stages have ended. It never returns into the anchor's own code.
package Headway::Init;

use strict;

my $ENOENT = 2;
my ( $CANNOT_RUN, $NOT_FOUND ) = ( 126, 127 );    # as a shell says it
my @SIGNALS = qw(HUP INT QUIT TERM USR1 USR2 PIPE CHLD ALRM XFSZ TTIN TTOU TSTP WINCH);

# `spec` is the command, `group` its cgroup, `output`, `capture` and `status` the pipes to the anchor.
sub run {
    my (%given) = @_;
    if ( !eval { prepare(%given); perform_stages(%given); 1 } ) {
        complain( $given{output}, $@ );
        report( $given{status}, $_, $CANNOT_RUN ) for 0 .. $#{ $given{spec}{stages} };
    }
    exit 0;
}

sub perform_stages {
    my (%given) = @_;
    my %stage_of = start_stages(%given);
    close $_ for grep { defined } @given{qw(output capture)};
    while ( %stage_of && ( my $pid = waitpid -1, 0 ) > 0 ) {
        my $stage = delete $stage_of{$pid};
        report( $given{status}, $stage, ended($?) ) if defined $stage;
    }
    $SIG{CHLD} = 'IGNORE';    # whatever is orphaned from now on is buried by the kernel
    select undef, undef, undef, 3600 while report( $given{status}, 'over', 0 );
    return;
}

sub prepare {
    my (%given) = @_;
    $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM USR1 USR2 PIPE);
    $SIG{CHLD} = 'DEFAULT';
    Headway::Kernel::lead_session();
    $given{group}->enter;
    if ( $given{namespaces} ) {
        # Whatever is in the namespace goes with its first process, and that goes with the anchor.
        Headway::Kernel::die_with_parent();
        Headway::Kernel::mount_proc() or die "cannot mount /proc for the command: $!\n";
        Headway::Kernel::hide_groups() if $given{spec}{confined} && !$>;
    }
    else {
        Headway::Kernel::adopt_orphans();
    }
    write_score(-1000);
    umask 022;
    report( $given{status}, 'up', 0 ) or die "the anchor is gone\n";
    return;
}

# Starts the stages, joined by pipes; gives their numbers by pid.
sub start_stages {
    my (%given) = @_;
    my $stages = $given{spec}{stages};
    my %stage_of;
    my $input = open_input( $given{spec}{stdin} );
    for my $number ( 0 .. $#$stages ) {
        my ( $next_input, $output );
        if ( $number < $#$stages ) {
            pipe $next_input, $output or die "cannot make a pipe: $!\n";
            chmod 0666, $output;    # so that an account can open /dev/stdin and /dev/stdout again
        }
        else {
            $output = $given{capture} // $given{output};
        }
        my $pid = fork;
        if ( !defined $pid ) {
            complain( $given{output}, "cannot start a process: $!\n" );
            report( $given{status}, $number, $CANNOT_RUN );
        }
        elsif ( !$pid ) {
            perform( $given{spec}, $stages->[$number], $given{group}, $input, $output, $given{output} );
        }
        else {
            $stage_of{$pid} = $number;
        }
        close $input;
        close $output if $number < $#$stages;
        $input = $next_input;
    }
    return %stage_of;
}

# Becomes the program of a stage.
sub perform {
    my ( $spec, $stage, $group, $input, $output, $errors ) = @_;
    my ( $folder, @program ) = ( $spec->{cwd}, @{ $stage->{argv} } );
    my $ready = eval {
        $SIG{$_} = 'DEFAULT' for @SIGNALS;
        open STDIN,  '<&', $input  or die "cannot set standard input: $!\n";
        open STDOUT, '>&', $output or die "cannot set standard output: $!\n";
        open STDERR, '>&', $errors or die "cannot set standard error: $!\n";
        write_score( $spec->{oom_score_adj} );
        my @words = Headway::Kernel::confine( limits( $spec, $group ) );
        unshift @program, 'prlimit', @words, '--' if @words;
        unshift @program, 'setpriv', '--no-new-privs', '--'
          if defined $stage->{uid} && !Headway::Kernel::knows_system_calls();
        Headway::Kernel::become( $stage->{uid}, $stage->{gid}, $spec->{filter} )
          if defined $stage->{uid} && $stage->{uid} != $>;
        chdir $folder or die "cannot enter the folder $folder: $!\n";
        %ENV = %{ $spec->{env} };
        1;
    };
    if ($ready) {
        local $^W = 0;    # the reason is told below
        exec { $program[0] } @program or my $missing = $! == $ENOENT;
        complain( \*STDERR, "cannot run $program[0]: $!\n" );
        exit( $missing ? $NOT_FOUND : $CANNOT_RUN );
    }
    complain( \*STDERR, $@ );
    exit $CANNOT_RUN;
}

# What no cgroup can bound is bounded by the kernel's limits per process and per account.
sub limits {
    my ( $spec, $group ) = @_;
    my $unmet  = $group->{unmet};
    my %limits = (
        core   => 0,
        fsize  => $spec->{file_bytes},
        nofile => $spec->{open_files},
        data   => $unmet->{memory},
        nproc  => defined $unmet->{processes} ? $spec->{processes} : undef,
    );
    return map { $_ => $limits{$_} } grep { defined $limits{$_} } keys %limits;
}

# Standard input: nothing, or a pipe that a child of ours fills, so that secrets touch neither a disk nor a list of
# arguments.
sub open_input {
    my ($bytes) = @_;
    my $input;
    if ( $bytes eq '' ) {
        open $input, '<', '/dev/null' or die "cannot open /dev/null: $!\n";
        return $input;
    }
    pipe $input, my $feed or die "cannot make a pipe: $!\n";
    chmod 0666, $feed;
    my $pid = fork // die "cannot start a process: $!\n";
    if ( !$pid ) {
        close $input;
        $SIG{PIPE} = 'DEFAULT';
        Headway::Spool::write_all( $feed, $bytes );
        exit 0;
    }
    close $feed;
    return $input;
}

sub ended {
    my ($status) = @_;
    return $status & 127 ? -( $status & 127 ) : $status >> 8;
}

sub report {
    my ( $handle, $what, $value ) = @_;
    return defined syswrite $handle, "$what $value\n";
}

sub complain {
    my ( $handle, $text ) = @_;
    syswrite $handle, "headway: $text";
    return;
}

sub write_score {
    my ($score) = @_;
    open my $handle, '>', '/proc/self/oom_score_adj' or return;
    syswrite $handle, $score;
    close $handle;
    return;
}

1;
