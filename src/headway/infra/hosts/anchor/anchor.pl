# A deployment's own process on its host: started by the panel, it outlives it. It is the parent of all commands of the
# run, keeps their output and their ends, enforces their deadlines, and does nothing before it is told to go.
package Headway::Anchor;

use strict;

my $LONGEST_SLEEP  = 30;
my $SHORTEST_SLEEP = 0.0005;

sub main {
    my $config = read_config();
    Headway::Kernel::choose( $config->{machine} );
    close_inherited();
    return probe() if $config->{mode} eq 'probe';
    my $self = prepare($config);
    $self->announce;
    $self->serve;
    return;
}

sub read_config {
    my $length = unpack 'N', read_exactly(4);
    return { Headway::Link::unpack_fields( read_exactly($length) ) };
}

sub read_exactly {
    my ($length) = @_;
    my $bytes = '';
    while ( length $bytes < $length ) {
        sysread( STDIN, $bytes, $length - length $bytes, length $bytes ) or exit 1;
    }
    return $bytes;
}

# Whatever the panel's own parent left open is none of a run's business.
sub close_inherited {
    opendir my $folder, '/proc/self/fd' or return;
    my @numbers = grep { /^\d+$/ && $_ > 2 } readdir $folder;
    closedir $folder;
    for my $number (@numbers) {
        open my $handle, '<&=', $number or next;
        close $handle;
    }
    return;
}

# Says what this machine allows, a line per fact.
sub probe {
    my $pid = Headway::Kernel::fork_process(1);
    if ( defined $pid && !$pid ) {
        my $works = Headway::Kernel::mount_proc() && -e '/proc/1/stat' && !-e '/proc/2/stat';
        exit( $works ? 0 : 1 );
    }
    my $namespaces = defined $pid && waitpid( $pid, 0 ) == $pid && $? == 0;
    my $orphans = Headway::Kernel::adopt_orphans();
    syswrite STDOUT, sprintf "namespaces %d\norphans %d\n", $namespaces ? 1 : 0, $orphans ? 1 : 0;
    return;
}

sub prepare {
    my ($config) = @_;
    $SIG{$_} = 'IGNORE' for qw(HUP INT QUIT TERM USR1 USR2 PIPE);
    umask 077;
    chdir $config->{run_folder} or die "cannot enter the run folder: $!\n";
    my $self = bless { %$config, links => [], commands => {}, waiters => {}, stops => [], count => 0 }, __PACKAGE__;
    $self->{cgroups} = Headway::Cgroups->new( map { $_ => $config->{$_} } qw(unified memory pids cpu) );
    settle_in( $self->{cgroups} );
    Headway::Kernel::adopt_orphans();
    Headway::Init::write_score(-900);
    $self->{spool}   = Headway::Spool->new( $config->{spool_cap} );
    $self->{exits}   = Headway::Exits->new;
    $self->{end_at}  = Headway::Kernel::now() + $self->{total_seconds} + $self->{linger_seconds};
    $self->listen_to_panel;
    return $self;
}

# Goes on in the anchor's own leaf: as a child that is born there, since moving there may take the kernel 10 ms, and as
# the leader of a session again.
sub settle_in {
    my ($cgroups) = @_;
    my $leaf = $cgroups->leaf // return;
    my $pid = Headway::Kernel::fork_process( 0, $leaf );
    exit 0 if $pid;
    return Headway::Kernel::lead_session() if defined $pid;
    Headway::Cgroups::put( "$leaf/cgroup.procs", $$ ) or die "cannot enter $leaf: $!\n";
    return;
}

sub listen_to_panel {
    my ($self) = @_;
    my ( $AF_UNIX, $SOCK_STREAM ) = ( 1, 1 );
    socket $self->{listener}, $AF_UNIX, $SOCK_STREAM, 0 or die "cannot make a socket: $!\n";
    # By a relative name, so that a long path of the run folder does not matter.
    bind $self->{listener}, pack 'S a*', $AF_UNIX, "socket\0" or die "cannot bind the socket: $!\n";
    listen $self->{listener}, 64 or die "cannot listen: $!\n";
    Headway::Link::unblock( $self->{listener} );
    return;
}

sub announce {
    my ($self) = @_;
    my $start = Headway::Processes::look($$)->{start};
    for my $note ( [ cgroups => join "\n", $self->{cgroups}->folders ], [ handle => "$$ $start $self->{boot_id}" ] ) {
        my ( $file, $text ) = @$note;
        Headway::Cgroups::put( "$file.new", "$text\n" ) && rename "$file.new", $file or die "cannot write $file: $!\n";
    }
    my $grouped = $self->{cgroups}{unified} ne '' ? 1 : 0;
    syswrite STDOUT, "$$ $start $grouped\n";
    return;
}

sub serve {
    my ($self) = @_;
    until ( $self->{over} ) {
        my $now = Headway::Kernel::now();
        $self->keep_deadlines($now);
        $self->advance_endings;
        $self->{exits}->retry($now);
        my $size   = $self->{spool}->size;
        my $unsaid = grep { $_->tell_size( $size, $now ) } @{ $self->{links} };
        $_->tell_growth($size) for @{ $self->{links} };
        last if $self->{over};
        $self->listen_once( $self->patience( $now, $unsaid ) );
    }
    return;
}

# How long nothing needs to be looked at unless something arrives, in seconds.
sub patience {
    my ( $self, $now, $unsaid ) = @_;
    my @ending = grep { $_->{ending} } $self->running;
    if (@ending) {
        my ($struck) = sort { $a <=> $b } map { $_->{struck} } @ending;
        return $struck < 20 ? $SHORTEST_SLEEP : $struck < 60 ? 0.005 : 0.05;
    }
    return 0.01 if $unsaid;
    my $until = $now + $LONGEST_SLEEP;
    my @due = map { $_->[0] } grep { defined } map { $_->deadline } $self->running;
    push @due, $self->{total_at} // $self->{end_at};
    push @due, grep { $_ } map { $_->{rests_to} } $self->running;
    $until = $_ < $until ? $_ : $until for @due;
    return $until > $now ? $until - $now : 0.01;
}

sub listen_once {
    my ( $self, $seconds ) = @_;
    my ( $readable, $writable ) = ( '', '' );
    vec( $readable, fileno $_, 1 ) = 1
      for $self->{listener}, $self->{went} ? () : \*STDIN, map( { $_->{handle} } @{ $self->{links} } ),
      map { $_->heeded } $self->running;
    vec( $writable, fileno $_->{handle}, 1 ) = 1 for grep { length $_->{out} } @{ $self->{links} };
    my $found = select $readable, $writable, undef, $seconds;
    return if $found < 0;
    my $now    = Headway::Kernel::now();
    my @rested = map { $_->rested($now) } $self->running;
    return if !$found && !@rested;
    vec( $readable, fileno $_, 1 ) = 1 for @rested;

    # Output first: what a command wrote before its end stands before whatever is said about that end.
    for my $command ( $self->running ) {
        for my $kind (qw(output capture status)) {
            next if !$command->{$kind} || !vec $readable, fileno $command->{$kind}, 1;
            $command->read_pipe( $kind, $self->{spool} );
        }
        $command->end if !$command->{ending} && ( !$command->{status} || $command->stages_have_ended );
    }
    for my $link ( @{ $self->{links} } ) {
        $link->flush if length $link->{out};
        next if !vec $readable, fileno $link->{handle}, 1;
        Headway::Requests::answer( $self, $link, @$_ ) for $link->receive;
    }
    $self->hear_go if !$self->{went} && vec $readable, fileno STDIN, 1;
    $self->drop_broken_links;
    $self->accept_links if vec $readable, fileno $self->{listener}, 1;
    return;
}

sub accept_links {
    my ($self) = @_;
    while ( accept my $handle, $self->{listener} ) {
        push @{ $self->{links} }, Headway::Link->new($handle);
    }
    return;
}

sub drop_broken_links {
    my ($self) = @_;
    my %broken = map { $_ => 1 } grep { $_->{broken} } @{ $self->{links} };
    return if !%broken;
    close $_->{handle} for grep { $broken{$_} } @{ $self->{links} };
    $self->{links} = [ grep { !$broken{$_} } @{ $self->{links} } ];
    for my $name ( keys %{ $self->{waiters} } ) {
        $self->{waiters}{$name} = [ grep { !$broken{ $_->[0] } } @{ $self->{waiters}{$name} } ];
    }
    return;
}

# The go-ahead, on standard input: before it nothing is started, and its end of file means that the opener is gone.
sub hear_go {
    my ($self) = @_;
    my $got = sysread STDIN, my $text, 16;
    return $self->never_start if !$got;
    my $answer = eval {
        Headway::Requests::under_epoch(
            $self,
            $self->{epoch},
            sub {
                $self->{went}     = 1;
                $self->{total_at} = Headway::Kernel::now() + $self->{total_seconds};
                $self->{end_at}   = $self->{total_at} + $self->{linger_seconds};
                return ['ready'];
            }
        );
    } // ['failed'];
    syswrite STDOUT, "$answer->[0]\n";
    return if !$self->{went};
    open STDIN,  '<', '/dev/null';
    open STDOUT, '>', '/dev/null';
    return;
}

sub never_start {
    my ($self) = @_;
    Headway::Cgroups::put( 'never_started', '' );
    return $self->finish( sub { } );
}

sub running {
    my ($self) = @_;
    return values %{ $self->{commands} };
}

sub knows {
    my ( $self, $name ) = @_;
    return $self->{commands}{$name} || $self->{exits}->has($name);
}

sub start_command {
    my ( $self, $name, $undo, $spec ) = @_;
    if ( !$self->{count}++ ) {
        Headway::Cgroups::put( 'started', '' ) or die "cannot note that the run has started: $!\n";
        Headway::Exits::lay_ballast();
    }
    $spec->{env}{HEADWAY_DEPLOYMENT_ID} = $self->{deployment};
    $spec->{env}{HEADWAY_EPOCH}         = $self->{epoch};
    $spec->{filter} = $spec->{confined} ? $self->{filter} : '';
    my $group   = $self->{cgroups}->command( $self->{count}, Headway::Command::group_bounds($spec) );
    my $command = Headway::Command->new( name => $name, undo => $undo, spec => $spec, group => $group );
    if ( !$undo && $self->{total_passed} ) {
        $command->{cause} = 'total_timeout';
        return $self->record_end($command);
    }
    $command->launch( $self->{namespaces}, sub { $self->close_handles } );
    $self->{commands}{$name} = $command;
    return;
}

# In a first process: closes all that is the anchor's alone.
sub close_handles {
    my ($self) = @_;
    close $_ for grep { defined } $self->{listener}, $self->{epoch_handle}, map { $_->{handle} } @{ $self->{links} };
    close $_ for map { $_->handles } $self->running;
    $self->{spool}->close_handles;
    return;
}

sub keep_deadlines {
    my ( $self, $now ) = @_;
    for my $command ( grep { !$_->{ending} } $self->running ) {
        my $due = $command->deadline;
        $command->end( $due->[1] ) if $due && $due->[0] <= $now;
    }
    if ( defined $self->{total_at} && $self->{total_at} <= $now ) {
        delete $self->{total_at};
        $self->{total_passed} = 1;
        $_->end('total_timeout') for grep { !$_->{undo} && !$_->{ending} } $self->running;
    }
    if ( @{ $self->{links} } ) {
        $self->{heard_at} = $now;
    }
    elsif ( $now > $self->{end_at} && $now > ( $self->{heard_at} // 0 ) + $self->{linger_seconds} ) {
        $self->{went} ? $self->finish( sub { } ) : $self->never_start;
    }
    return;
}

# Strikes at the commands that are being ended, records those of which nothing is left, and answers who waits for that.
sub advance_endings {
    my ($self) = @_;
    my @ending = grep { $_->{ending} } $self->running or return;
    my $loose = !$self->{namespaces} && $self->{cgroups}{unified} eq '';
    for my $command (@ending) {
        my @spared = map { $_->{pid} } grep { $_ != $command && !$_->{buried} } $self->running;
        my $nothing_left = $command->strike(
            loose  => $loose,
            spared => \@spared,
            marks  => [ "HEADWAY_DEPLOYMENT_ID=$self->{deployment}", "HEADWAY_EPOCH=$self->{epoch}" ]
        );
        $self->bury;
        $command->{gone} = 1 if $nothing_left && ( $self->{namespaces} || !$self->end_strays );
    }
    $self->answer_stops;
    $self->record_end($_) for grep { $_->{gone} } @ending;
    $self->leave if $self->{last_word} && !$self->running;
    return;
}

# Takes the status of every child that has ended, orphans that we adopted too.
sub bury {
    my ($self) = @_;
    my $no_hang = 1;
    while ( ( my $pid = waitpid -1, $no_hang ) > 0 ) {
        $_->{buried} = 1 for grep { $_->{pid} == $pid } $self->running;
    }
    return;
}

# Orphans that outlived their command's first process are our children. Gives whether there are any.
sub end_strays {
    my ($self) = @_;
    my %first    = map { $_->{pid} => 1 } grep { !$_->{buried} } $self->running;
    my @children = -e "/proc/$$/task/$$/children" ? Headway::Processes::children_of($$) : do {
        my $table = Headway::Processes::table();
        grep { $table->{$_}{parent} == $$ } keys %$table;
    };
    my @strays = grep { !$first{$_} } @children;
    kill KILL => @strays if @strays;
    return scalar @strays;
}

sub answer_stops {
    my ($self) = @_;
    my @open;
    for my $stop ( @{ $self->{stops} } ) {
        if ( grep { !$_->{gone} } @{ $stop->{targets} } ) {
            push @open, $stop;
        }
        else {
            $stop->{link}->tell( $stop->{id}, 'ok' );
        }
    }
    $self->{stops} = \@open;
    return;
}

sub record_end {
    my ( $self, $command ) = @_;
    delete $self->{commands}{ $command->{name} };
    $command->drain_pipes( $self->{spool} );
    close $_ for $command->handles;
    my $is_last = !%{ $self->{commands} };
    if ( !$self->{spool}->settle($is_last) ) {
        Headway::Exits::give_up_ballast();
        $self->{spool}->settle($is_last);
    }
    my $record = $command->record;
    $command->{group}->remove;
    $self->{exits}->put( $command->{name}, $record );
    my @told = ( 'ok', $record, $self->{spool}->size );
    $_->[0]->tell( $_->[1], @told ) for @{ delete $self->{waiters}{ $command->{name} } // [] };
    return;
}

# The run is over: ends what still runs, undos too, then says the last word and leaves.
sub finish {
    my ( $self, $last_word ) = @_;
    $self->{shut}      = 1;
    $self->{last_word} = $last_word;
    $_->end('killed') for grep { !$_->{ending} } $self->running;
    $self->leave if !$self->running;
    return;
}

sub leave {
    my ($self) = @_;
    $self->{cgroups}->remove;
    $self->{last_word}->();
    $self->{over} = 1;
    return;
}

main();
