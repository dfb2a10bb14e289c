# Headway's process on a server for as long as the link stands: it hears the panel on standard input and answers on
# standard output. What it started outlives it. Whatever may take long is done by a child, so that a kill never waits.
package Headway::Porter;

use strict;

my $LONGEST_REQUEST = 128 << 20;
my $MOST_UNSENT     = 4 << 20;    # above it nothing more is read from anchors: the link is slower than they are
my $MOST_UNTAKEN    = 1 << 20;    # above it the panel is told to send a socket no more, and below half of it to go on
my $MOST_IDLE       = 4;
my $MOST_STUCK      = 64;         # children without an answer for so long: a disk hangs, and each more would hang as well
my $STUCK_SECONDS   = 60;
my $EAGAIN          = 11;
my $EINTR           = 4;

# What is answered at once.
my %PROMPT = (
    hello     => \&hello,
    look      => sub { return [ 'ok', Headway::Runs::look(@_) ] },
    epoch     => sub { return [ 'ok', Headway::Runs::current(@_) ] },
    read      => sub { return [ 'ok', Headway::Runs::read_spool(@_) ] },
    read_held => \&read_held,
    size      => sub { return [ 'ok', -s "$_[0]/spool" // 0 ] },
    exits     => sub { return [ 'ok', Headway::Runs::exits(@_) ] },
    remaining => sub { return [ 'ok', Headway::Runs::remaining(@_) ] },
    boot_id   => sub { return [ 'ok', Headway::Runs::boot_id() ] },
    clock     => \&clock,
);

# With nothing heard of the panel for so long its link is taken for dead, which sshd may not notice for hours. The panel
# says how long, and something more often than that.
my $silence_borne;

# What a child does.
my %SLOW = (
    raise        => sub { return [ 'ok', Headway::Runs::raise(@_) // '' ] },
    await_death  => sub { return [ 'ok', Headway::Runs::await_death(@_) ] },
    sweep        => sub { return [ 'ok', Headway::Runs::sweep(@_) ] },
    end_marked   => sub { return [ 'ok', Headway::Runs::end_marked(@_) ? 1 : 0 ] },
    tidy         => sub { Headway::Runs::tidy(@_);  return ['ok'] },
    prune        => sub { Headway::Runs::prune(@_); return ['ok'] },
    discover     => sub { return [ 'ok', Headway::Trees::discover(@_) ] },
    make_guest   => sub { return [ 'ok', Headway::Trees::make_guest(@_) ? 1 : 0 ] },
    end_guest    => sub { return [ 'ok', Headway::Trees::end_guest(@_) // '' ] },
    make_folder  => sub { Headway::Files::make_folder(@_);  return ['ok'] },
    write_file   => sub { Headway::Files::write_file(@_);   return ['ok'] },
    append       => sub { return [ 'ok', Headway::Files::append(@_) ] },
    length_of    => sub { return [ 'ok', Headway::Files::length_of(@_) ] },
    remove_tree  => sub { Headway::Files::remove_tree(@_);  return ['ok'] },
    remove_files => sub { Headway::Files::remove_files(@_); return ['ok'] },
    move         => sub { Headway::Files::move(@_);         return ['ok'] },
    exchange     => sub { return Headway::Exchange::turn(@_) },
    sync         => sub { Headway::Files::sync_all(@_);     return ['ok'] },
    free_bytes   => sub { return [ 'ok', Headway::Files::free_bytes(@_) ] },
    read_files   => sub { return [ 'ok', Headway::Files::read_files(@_) ] },
    list_files   => sub { return [ 'ok', Headway::Files::list_files(@_) ] },
    stamps       => sub { return [ 'ok', Headway::Files::stamps(@_) ] },
    strike       => sub { return [ 'ok', Headway::Processes::signal( KILL => @_ ) ? 1 : 0 ] },
    under        => \&under,
);

# What is done however many children are stuck: it ends processes.
my %ENDS = map { $_ => 1 } qw(await_death sweep end_marked end_guest strike);

# What needs to know who asks.
my %KEPT = (
    probe   => \&probe,
    open    => \&open_anchor,
    go      => \&go_ahead,
    abandon => \&abandon,
    link    => \&open_link,
    to      => \&pass_on,
    shut    => \&shut_link,
    beat    => \&hear_beat,
    rest    => sub { my ( $self, $id, $number ) = @_; return $self->set_rest( $number, 1 ) },
    go_on   => sub { my ( $self, $id, $number ) = @_; return $self->set_rest( $number, 0 ) },
    hold    => \&hold_epoch,
    release => \&release_epoch,
);

sub main {
    local $SIG{PIPE} = 'IGNORE';
    umask 077;
    chdir '/';
    my $self =
      bless { in => '', out => '', links => {}, openings => {}, helpers => {}, idle => [], held => {}, count => 0 }, __PACKAGE__;
    Headway::Link::unblock( \*STDIN );
    Headway::Link::unblock( \*STDOUT );
    $self->serve;
    return;
}

sub serve {
    my ($self) = @_;
    while ( !$self->{over} ) {
        my ( $readable, $writable ) = ( '', '' );
        my @links   = length $self->{out} > $MOST_UNSENT ? () : values %{ $self->{links} };
        my @helpers = ( values %{ $self->{openings} }, values %{ $self->{helpers} } );
        vec( $readable, fileno $_, 1 ) = 1 for \*STDIN, map( { $_->{handle} } grep { !$_->{rests} } @links ), map { $_->{hears} } @helpers;
        vec( $writable, fileno STDOUT, 1 ) = 1 if length $self->{out};
        vec( $writable, fileno $_->{handle}, 1 ) = 1 for grep { length $_->{out} } values %{ $self->{links} };
        1 while waitpid( -1, 1 ) > 0;
        my $ready = select $readable, $writable, undef, $self->longest_wait;
        last if $self->is_forgotten( $ready > 0 && vec $readable, fileno STDIN, 1 );
        next if $ready <= 0;
        $self->hear_panel if vec $readable, fileno STDIN, 1;
        $self->hear_opening($_) for grep { vec $readable, fileno $self->{openings}{$_}{hears}, 1 } keys %{ $self->{openings} };
        $self->hear_helper($_)  for grep { vec $readable, fileno $self->{helpers}{$_}{hears},  1 } keys %{ $self->{helpers} };
        $self->hear_link($_)    for grep { vec $readable, fileno $self->{links}{$_}{handle},   1 } keys %{ $self->{links} };
        $self->flush_link($_)   for grep { length $self->{links}{$_}{out} } keys %{ $self->{links} };
        $self->flush;
    }
    return;
}

sub hear_beat {
    my ( $self, $id, $seconds ) = @_;
    $silence_borne = $seconds;
    return [];
}

sub longest_wait {
    return defined $silence_borne && $silence_borne < 30 ? $silence_borne : 30;
}

# Whether nothing came from the panel for longer than it said: then the epochs that it holds here are let go of.
sub is_forgotten {
    my ( $self, $hears ) = @_;
    my $now = seconds_up();
    $self->{heard_at} = $now if $hears || !defined $self->{heard_at};
    return defined $silence_borne && $now - $self->{heard_at} > $silence_borne;
}

sub hear_panel {
    my ($self) = @_;
    my $got = sysread STDIN, $self->{in}, 262_144, length $self->{in};
    if ( !$got ) {
        $self->{over} = 1 if defined $got || ( $! != $EAGAIN && $! != $EINTR );
        return;
    }
    while ( length $self->{in} >= 4 ) {
        my $length = unpack 'N', $self->{in};
        return $self->{over} = 1 if $length > $LONGEST_REQUEST;
        last if length $self->{in} < 4 + $length;
        my @request = Headway::Link::unpack_fields( substr $self->{in}, 4, $length );
        substr $self->{in}, 0, 4 + $length, '';
        $self->carry_out(@request);
    }
    return;
}

sub carry_out {
    my ( $self, $id, $verb, @arguments ) = @_;
    if ( $SLOW{$verb} ) {
        return $self->help( $id, $verb, @arguments );
    }
    my $answer = attempt(
        sub {
            return $PROMPT{$verb}->(@arguments) if $PROMPT{$verb};
            return $KEPT{$verb}->( $self, $id, @arguments ) if $KEPT{$verb};
            die "unknown request $verb\n";
        }
    );
    return @$answer && $id ne '' ? $self->tell( $id, @$answer ) : undef;
}

sub attempt {
    my ($act) = @_;
    my $answer = eval { $act->() };
    return $answer if $answer;
    my ($why) = $@ =~ /^(.*)/;
    return [ 'failed', $why ];
}

# Lets a child find the answer.
sub help {
    my ( $self, $id, @question ) = @_;
    return $self->tell( $id, 'stuck' ) if !$ENDS{ $question[0] } && $self->is_stuck;
    my $question = Headway::Link::pack_fields(@question);
    while ( my $hand = shift @{ $self->{idle} } ) {
        return $self->await( $id, $hand ) if $hand->ask($question);
        $hand->let_go;
    }
    my $hand = eval {
        Headway::Hand->start( question => $question, answer => \&find, let_go => sub { $self->let_go } );
    };
    return $hand ? $self->await( $id, $hand ) : $self->tell( $id, 'failed', $@ =~ /^(.*)/ );
}

sub await {
    my ( $self, $id, $hand ) = @_;
    $hand->{since} = seconds_up();
    return $self->{helpers}{$id} = $hand;
}

sub is_stuck {
    my ($self) = @_;
    return if keys %{ $self->{helpers} } < $MOST_STUCK;
    my $begun = seconds_up() - $STUCK_SECONDS;
    return $MOST_STUCK <= grep { $_->{since} <= $begun } values %{ $self->{helpers} };
}

# With a handle of its own each time: one that was open already would be shared with all children, and so its place.
sub seconds_up {
    open my $uptime, '<', '/proc/uptime' or return 0;
    return readline($uptime) =~ /^(\d+)/ ? $1 : 0;
}

sub find {
    my ( $verb, @arguments ) = @_;
    return attempt( sub { return $SLOW{$verb}->(@arguments) } );
}

# Does what is asked for while the epoch is held still: a child may outlive the porter and its fences, and whoever takes the
# run over waits for it.
sub under {
    my ( $file, $epoch, $verb, @arguments ) = @_;
    my ( $held, $current ) = Headway::Runs::hold($file) or return ['busy'];
    return [ 'passed', $current ] if $current > $epoch;
    my $answer = find( $verb, @arguments );
    Headway::Runs::release($held);
    return $answer;
}

# What falls with the porter must not be kept up by its child: go-aheads that are waited for, epochs, links, other hands.
sub let_go {
    my ($self) = @_;
    $_->let_go for @{ $self->{idle} }, values %{ $self->{helpers} };
    close $_ for values %{ $self->{held} }, map { $_->{handle} } values %{ $self->{links} };
    close $_ for map { ( $_->{asks}, $_->{hears} ) } values %{ $self->{openings} };
    $self->{in} = $self->{out} = '';
    return;
}

sub hear_helper {
    my ( $self, $id ) = @_;
    my $hand   = $self->{helpers}{$id};
    my $answer = attempt( sub { return $hand->hear // [] } );
    return if !@$answer;
    delete $self->{helpers}{$id};
    # One that has died, or that nobody needs, is let go of.
    push @{ $self->{idle} }, $hand if $answer->[0] eq 'ok' && @{ $self->{idle} } < $MOST_IDLE;
    return $self->tell( $id, @$answer );
}

sub hello {
    my (@folders) = @_;
    die "not linux\n" if $^O ne 'linux' || !-r '/proc/self/stat';
    open my $answer, '-|', 'uname', '-m' or die "cannot run uname: $!\n";
    my ($machine) = readline($answer) =~ /^(\S+)/;
    close $answer;
    Headway::Kernel::choose($machine);
    Headway::Files::choose($machine);
    for my $folder (@folders) {
        Headway::Files::make_folder( $folder, '', '', 0700 );
    }
    return [ 'ok', $machine, $>, Headway::Runs::boot_id() ];
}

# To a millisecond, which perl's own clock is not.
sub clock {
    open my $answer, '-|', 'date', '+%s.%N' or die "cannot run date: $!\n";
    my ($time) = readline($answer) =~ /^(\d+\.?\d{0,3})/;
    close $answer;
    return [ 'ok', $time ];
}

sub read_held {
    my ( $folder, $offset, $limit, $file, $epoch ) = @_;
    my $current = Headway::Runs::current($file);
    return [ 'passed', $current ] if $current > $epoch;
    return [ 'ok', Headway::Runs::read_spool( $folder, $offset, $limit ) ];
}

# Asks the anchor's program what this machine allows.
sub probe {
    my ( $self, $id, $program, $config ) = @_;
    $self->{openings}{"probe $id"} = Headway::Opening->start(
        program   => $program,
        arguments => ['probe'],
        config    => $config,
        errors    => '/dev/null',
        marks     => {},
    );
    $self->{openings}{"probe $id"}{asker} = $id;
    $self->{openings}{"probe $id"}{lines} = 2;
    return [];
}

# Starts an anchor, and answers with what it says of itself.
sub open_anchor {
    my ( $self, $id, $run, $folder, $epoch_file, $epoch, $program, $config, @marks ) = @_;
    my $current = Headway::Runs::raise( $epoch_file, $epoch, 0 ) // return ['busy'];
    return [ 'passed', $current ] if $current > $epoch;
    mkdir $folder, 0700 or return [ $! == 17 ? 'exists' : 'failed', "$!" ];
    my $opening = Headway::Opening->start(
        program   => $program,
        arguments => [ 'anchor', $run ],
        config    => $config,
        errors    => "$folder/anchor.err",
        marks     => {@marks},
    );
    @$opening{qw(asker lines folder)} = ( $id, 1, $folder );
    $self->{openings}{$run} = $opening;
    return [];
}

sub hear_opening {
    my ( $self, $run ) = @_;
    my $opening = $self->{openings}{$run};
    push @{ $opening->{heard} }, $opening->hear;
    my @heard = @{ $opening->{heard} };
    if ( defined $opening->{asker} && ( @heard >= $opening->{lines} || $opening->{over} ) ) {
        $self->tell( delete $opening->{asker}, 'ok', @heard );
        $opening->{heard} = [];
        delete $self->{openings}{$run} if $opening->{gone_ahead} || $opening->{lines} > 1;
    }
    delete $self->{openings}{$run} if $opening->{over};
    return;
}

sub go_ahead {
    my ( $self, $id, $run ) = @_;
    my $opening = $self->{openings}{$run} or return ['ok'];
    @$opening{qw(asker gone_ahead)} = ( $id, 1 );
    $opening->go;
    return [];
}

sub abandon {
    my ( $self, $id, $run ) = @_;
    my $opening = delete $self->{openings}{$run} or return ['ok'];
    close $opening->{asks};    # now, since a child that is forked next would hold it too
    return ['ok'];
}

# Connects to a socket of this machine; from then on bytes pass in both directions under a number.
sub open_link {
    my ( $self, $id, $folder, $name ) = @_;
    my ( $AF_UNIX, $SOCK_STREAM ) = ( 1, 1 );
    socket my $handle, $AF_UNIX, $SOCK_STREAM, 0 or die "$!\n";
    # By the open folder, since the path of a socket must be short.
    opendir my $place, $folder or die "$!\n";
    connect $handle, pack 'S a*', $AF_UNIX, '/proc/self/fd/' . fileno($place) . "/$name\0" or die "$!\n";
    closedir $place;
    Headway::Link::unblock($handle);
    my $number = ++$self->{count};
    $self->{links}{$number} = { handle => $handle, out => '' };
    return [ 'ok', $number ];
}

sub pass_on {
    my ( $self, $id, $number, $bytes ) = @_;
    my $link = $self->{links}{$number} or return [];
    $link->{out} .= $bytes;
    $self->hold_up( $number, $link, 1 ) if length $link->{out} > $MOST_UNTAKEN;
    return [];
}

# Whoever sends to a socket that takes nothing would fill the memory here.
sub hold_up {
    my ( $self, $number, $link, $is_held_up ) = @_;
    return if ( $link->{held_up} // 0 ) == $is_held_up;
    $link->{held_up} = $is_held_up;
    return $self->tell( '', $is_held_up ? 'rest' : 'go_on', $number );
}

sub shut_link {
    my ( $self, $id, $number ) = @_;
    delete $self->{links}{$number};
    return [];
}

# Nothing more is read of a link while whoever it is for at the panel does not keep up.
sub set_rest {
    my ( $self, $number, $rests ) = @_;
    my $link = $self->{links}{$number} or return [];
    $link->{rests} = $rests;
    return [];
}

sub hear_link {
    my ( $self, $number ) = @_;
    my $link = $self->{links}{$number} or return;
    my $got = sysread $link->{handle}, my $bytes, 65_536;
    return $self->tell( '', 'from', $number, $bytes ) if $got;
    return if !defined $got && ( $! == $EAGAIN || $! == $EINTR );
    return $self->drop_link($number);
}

sub flush_link {
    my ( $self, $number ) = @_;
    my $link = $self->{links}{$number} or return;
    my $sent = syswrite $link->{handle}, $link->{out};
    if ( !defined $sent ) {
        return if $! == $EAGAIN || $! == $EINTR;
        return $self->drop_link($number);
    }
    substr $link->{out}, 0, $sent, '';
    $self->hold_up( $number, $link, 0 ) if length $link->{out} <= $MOST_UNTAKEN / 2;
    return;
}

sub drop_link {
    my ( $self, $number ) = @_;
    delete $self->{links}{$number};
    return $self->tell( '', 'shut', $number );
}

# Holds an epoch still until it is released, or until the link to the panel is gone.
sub hold_epoch {
    my ( $self, $id, $name, $file, $epoch ) = @_;
    my ( $held, $current ) = Headway::Runs::hold($file) or return ['busy'];
    return [ 'passed', $current ] if $current > $epoch;
    $self->{held}{$name} = $held;
    return ['ok'];
}

sub release_epoch {
    my ( $self, $id, $name ) = @_;
    Headway::Runs::release( delete $self->{held}{$name} // return ['ok'] );
    return ['ok'];
}

sub tell {
    my ( $self, @fields ) = @_;
    $self->{out} .= pack 'N/a*', Headway::Link::pack_fields(@fields);
    return;
}

sub flush {
    my ($self) = @_;
    while ( length $self->{out} ) {
        my $sent = syswrite STDOUT, $self->{out}, 262_144;
        if ( !defined $sent ) {
            $self->{over} = 1 if $! != $EAGAIN && $! != $EINTR;
            return;
        }
        substr $self->{out}, 0, $sent, '';
    }
    return;
}

main();
