# A command as the anchor sees it: its first process, its pipes, its deadlines, and how it is ended and recorded.
package Headway::Command;

use strict;

my $CHUNK           = 65_536;
my $MOST_IN_A_PIPE  = 1 << 20;
my $LONGEST_CAPTURE = 1 << 20;
my $KILLED          = -9;

# Each look at a pipe costs more than writing a line into it. The first line after a pause is read as it comes; what follows
# within these seconds is read as one. Who says more than a part of what a pipe holds in them would have to wait for us, and
# is read as it comes for a while.
my $REST_SECONDS  = 0.045;    # the clock counts hundredths
my $MUCH          = 16_384;
my $HASTE_SECONDS = 5;

# The names of a command's fields in a request, in their order; '' stands for none.
my @FIELDS = qw(cwd capture step_seconds inactivity_seconds memory processes open_files file_bytes oom_score_adj stdin);

sub parse {
    my (@values) = @_;
    my %spec;
    @spec{@FIELDS} = map { $_ eq '' ? undef : $_ } splice @values, 0, scalar @FIELDS;
    $spec{stdin} //= '';
    my ( $env, $stages, $confined ) = @values;
    $spec{confined} = $confined;
    $spec{env} = { Headway::Link::unpack_fields($env) };
    for my $packed ( Headway::Link::unpack_fields($stages) ) {
        my ( $uid, $gid, @argv ) = Headway::Link::unpack_fields($packed);
        push @{ $spec{stages} }, { uid => $uid eq '' ? undef : $uid, gid => $gid, argv => \@argv };
    }
    return \%spec;
}

sub new {
    my ( $class, %given ) = @_;
    my $self = bless {
        %given,
        statuses   => [],
        told       => '',
        captured   => '',
        cause      => undef,
        ending     => 0,
        buried     => 0,
        gone       => 0,
        struck     => 0,
        rests_to   => 0,
        hurries_to => 0,
    }, $class;
    $self->{started_at} = $self->{heard_at} = Headway::Kernel::now();
    return $self;
}

# Starts the first process. `close_others` closes, in it, all that belongs to the anchor alone.
sub launch {
    my ( $self, $namespaces, $close_others ) = @_;
    my %write;
    for my $kind ( qw(output status), $self->{spec}{capture} ? 'capture' : () ) {
        pipe $self->{$kind}, $write{$kind} or die "cannot make a pipe: $!\n";
        Headway::Link::unblock( $self->{$kind} );
    }
    # An account may open /dev/stdout and /dev/stderr again, for writing only: what it has written is not its to read.
    chmod 0622, $write{$_} for grep { $write{$_} } qw(output capture);
    my $group = $self->{group};
    $group->{born_in} = $group->cradle;
    my $pid = defined $group->{born_in} ? Headway::Kernel::fork_process( $namespaces, $group->{born_in} ) : undef;
    if ( !defined $pid ) {
        delete $group->{born_in};    # an older kernel, or one that is told not to: it enters by itself
        $pid = Headway::Kernel::fork_process($namespaces) // die "cannot start a process: $!\n";
    }
    if ( !$pid ) {
        close $self->{$_} for keys %write;
        $close_others->();
        Headway::Init::run( %write, spec => $self->{spec}, group => $group, namespaces => $namespaces );
    }
    close $_ for values %write;
    $self->{pid} = $pid;
    delete @{ $self->{spec} }{qw(stdin env)};
    return;
}

sub handles {
    my ($self) = @_;
    return grep { defined } @$self{qw(output status capture)};
}

# Those of its pipes that are to be read as soon as there is anything in them.
sub heeded {
    my ($self) = @_;
    return grep { defined } @$self{qw(status capture)}, $self->{rests_to} ? () : $self->{output};
}

# Its output if that has rested for long enough: whether there is anything in it, reading it tells.
sub rested {
    my ( $self, $now ) = @_;
    return if !$self->{rests_to} || $self->{rests_to} > $now;
    $self->{rests_to} = 0;
    return grep { defined } $self->{output};
}

# Reads what one of the pipes has; gives whether there may be more.
sub read_pipe {
    my ( $self, $kind, $spool ) = @_;
    my $bytes;
    my $got = sysread $self->{$kind}, $bytes, $CHUNK;
    if ( !$got ) {
        return 0 if !defined $got;
        close delete $self->{$kind};
        return 0;
    }
    if ( $kind eq 'status' ) {
        $self->hear_status($bytes);
        return 1;
    }
    my $now = $self->{heard_at} = Headway::Kernel::now();
    if ( $kind eq 'output' ) {
        $self->{hurries_to} = $now + $HASTE_SECONDS if $got >= $MUCH;
        $self->{rests_to}   = $now < $self->{hurries_to} ? 0 : $now + $REST_SECONDS;
        $spool->write($bytes);
    }
    else {
        $self->{captured} .= substr $bytes, 0, $LONGEST_CAPTURE - length $self->{captured};
    }
    return 1;
}

# Reads what its processes have left in the pipes, which hold no more than that: somebody else may have been given one, and
# go on filling it.
sub drain_pipes {
    my ( $self, $spool ) = @_;
    for my $kind (qw(output capture)) {
        for ( 1 .. $MOST_IN_A_PIPE / $CHUNK ) {
            last if !$self->{$kind} || !$self->read_pipe( $kind, $spool );
        }
    }
    return;
}

sub hear_status {
    my ( $self, $bytes ) = @_;
    $self->{told} .= $bytes;
    while ( $self->{told} =~ s/\A(\w+) (-?\d+)\n// ) {
        my ( $what, $value ) = ( $1, $2 );
        $self->{statuses}[$what] = $value if $what =~ /^\d/;    # the others say that the first process lives
    }
    return;
}

sub stages_have_ended {
    my ($self) = @_;
    1 while $self->{status} && $self->read_pipe('status');
    return @{ $self->{spec}{stages} } == grep { defined } @{ $self->{statuses} };
}

# The next moment at which something is due, and what; nothing while the command is being ended.
sub deadline {
    my ($self) = @_;
    my $spec = $self->{spec};
    my @due;
    push @due, [ $self->{started_at} + $spec->{step_seconds},     'step_timeout' ]       if defined $spec->{step_seconds};
    push @due, [ $self->{heard_at} + $spec->{inactivity_seconds}, 'inactivity_timeout' ] if defined $spec->{inactivity_seconds};
    push @due, [ $self->{patient_until}, $self->{cause} ] if defined $self->{patient_until};
    my ($first) = sort { $a->[0] <=> $b->[0] } @due;
    return $first;
}

# From now on whatever is left of the command is killed until nothing is; `cause` is recorded if it had not ended by
# itself before.
sub end {
    my ( $self, $cause ) = @_;
    if ( defined $cause && !$self->stages_have_ended ) {
        $self->{cause} = $cause if !defined $self->{cause} || $self->{cause} eq 'cancelled';
    }
    $self->{ending} = 1;
    delete $self->{patient_until};
    return;
}

# Asks all processes of the command to end, and gives them a time for that.
sub cancel {
    my ( $self, $grace ) = @_;
    return if $self->{ending} || defined $self->{patient_until} || $self->stages_have_ended;
    $self->{cause} //= 'cancelled';
    $self->{patient_until} = Headway::Kernel::now() + $grace;
    my $table = Headway::Processes::table();
    for my $pid ( Headway::Processes::with_descendants( $table, $self->{pid} ) ) {
        next if $pid == $self->{pid};
        Headway::Processes::signal( $_, $pid, $table->{$pid}{start} ) for qw(TERM CONT);
    }
    return;
}

# One stroke of the ending; gives whether nothing is left. `loose` is true where neither a group nor a namespace holds
# the processes together; `spared` are the first processes of other commands.
sub strike {
    my ( $self, %given ) = @_;
    $self->{struck}++;
    $self->{group}->kill_all( $self->{struck} ) if $self->{group}->exists;
    if ( $given{loose} ) {
        # A pid that is buried may be somebody else's by now.
        my $left = Headway::Processes::end_remnants( roots => $self->{buried} ? [] : [ $self->{pid} ], %given );
        return $self->{buried} && !$left;
    }
    kill KILL => $self->{pid} if !$self->{buried};
    return $self->{buried} && !$self->{group}->populated;
}

# Its bounds as a group's: beside the command's own processes there are the first one, and the one that feeds its input.
sub group_bounds {
    my ($spec) = @_;
    my $ours = $spec->{stdin} eq '' ? 1 : 2;
    return (
        defined $spec->{memory}    ? ( memory    => $spec->{memory} )            : (),
        defined $spec->{processes} ? ( processes => $spec->{processes} + $ours ) : (),
    );
}

# The record of the end: cause, statuses, captured output.
sub record {
    my ($self) = @_;
    my @statuses = map { $self->{statuses}[$_] // $KILLED } 0 .. $#{ $self->{spec}{stages} };
    my $failed = grep { $_ } @statuses;
    $self->{cause} //= 'out_of_memory' if $failed && $self->{group}->ran_out_of_memory;
    return Headway::Link::pack_fields( $self->{cause} // '', "@statuses", $self->{captured} );
}

1;
