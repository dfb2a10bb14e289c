# What the panel may ask of an anchor. Every request carries an epoch; one that is lower than the epoch in force on the
# host is refused, and the file that holds that epoch is locked while a request is carried out.
package Headway::Requests;

use strict;

my ( $LOCK_SH, $LOCK_NB, $LOCK_UN ) = ( 1, 4, 8 );
my $LOCK_TRIES = 2000;

my %VERBS = (
    hello => \&hello,
    start => \&start,
    wait  => \&await,
    grown => \&await_growth,
    say   => \&say_line,
    stop  => \&stop,
    close => \&close_run,
);

# Carries out one request: id, verb, epoch, arguments. The answer begins with the id and `ok`, or says why not.
sub answer {
    my ( $anchor, $link, $id, $verb, $epoch, @arguments ) = @_;
    my $carry_out = $VERBS{ $verb // '' } or return $link->tell( $id // '', 'failed', 'unknown request' );
    my $answer = eval {
        under_epoch(
            $anchor, $epoch,
            sub {
                return ['waiting'] if !$anchor->{went};
                return $carry_out->( $anchor, $link, $id, @arguments );
            }
        );
    };
    $answer = [ 'failed', $@ =~ /^(.*)/ ? $1 : 'unknown error' ] if !$answer;
    $link->tell( $id, @$answer ) if @$answer;    # without an answer now, one follows
    return;
}

# Does something while the epoch in force cannot change, unless it is higher than `epoch`.
sub under_epoch {
    my ( $anchor, $epoch, $act ) = @_;
    my ( $handle, $in_force ) = lock_epoch($anchor);
    my $answer = eval {
        if ( $in_force > $anchor->{epoch} && !$anchor->{went} ) {
            $anchor->never_start;
            return ['never_started'];
        }
        return ['passed'] if $epoch < $in_force;
        return $act->();
    };
    my $error = $@;
    flock $handle, $LOCK_UN;    # a first process that was just forked holds the same lock until it closes its copy
    close $handle;
    delete $anchor->{epoch_handle};
    die $error if !$answer;
    return $answer;
}

sub lock_epoch {
    my ($anchor) = @_;
    for ( 1 .. $LOCK_TRIES ) {
        open my $handle, '<', $anchor->{epoch_file} or return lock_new_epoch($anchor);
        if ( flock( $handle, $LOCK_SH | $LOCK_NB ) && ( stat $handle )[3] ) {
            $anchor->{epoch_handle} = $handle;
            sysread $handle, my $text, 32;
            my $in_force = $text && $text =~ /(\d+)/ ? $1 : 0;
            return ( $handle, $in_force > $anchor->{epoch} ? $in_force : $anchor->{epoch} );
        }
        close $handle;
        select undef, undef, undef, 0.001;
    }
    die "the epoch of this run is being changed for too long\n";
}

sub lock_new_epoch {
    my ($anchor) = @_;
    open my $handle, '>>', $anchor->{epoch_file} or die "cannot open $anchor->{epoch_file}: $!\n";
    close $handle;
    return lock_epoch($anchor);
}

sub hello {
    my ( $anchor, $link, $id, $asks ) = @_;
    $link->{hears_size} = !$asks;
    $link->{told} = $anchor->{spool}->size;
    return [ 'ok', $link->{told} ];
}

sub start {
    my ( $anchor, $link, $id, $name, $undo, @spec ) = @_;
    return ['ok'] if $anchor->knows($name);
    return ['shut'] if $anchor->{shut} && !$undo;
    $anchor->start_command( $name, $undo, Headway::Command::parse(@spec) );
    return ['ok'];
}

sub await {
    my ( $anchor, $link, $id, $name ) = @_;
    return [ 'ok', $anchor->{exits}->get($name), $anchor->{spool}->size ] if $anchor->{exits}->has($name);
    return ['unknown'] if !$anchor->knows($name);
    push @{ $anchor->{waiters}{$name} }, [ $link, $id ];
    return [];
}

# Told when it is asked for, since every line that is told of costs the panel, and the link, as much as reading it.
sub await_growth {
    my ( $anchor, $link, $id, $offset ) = @_;
    my $size = $anchor->{spool}->size;
    return [ 'ok', $size ] if $size > $offset;
    push @{ $link->{waits} }, [ $id, $offset ];
    return [];
}

sub say_line {
    my ( $anchor, $link, $id, $key, $text ) = @_;
    $_->drain_pipes( $anchor->{spool} ) for $anchor->running;    # what was written before it stands before it
    $anchor->{spool}->say( $key, $text );
    return [ 'ok', $anchor->{spool}->size ];
}

sub stop {
    my ( $anchor, $link, $id, $mode, $grace ) = @_;
    $anchor->{shut} = 1;
    my @targets = grep { !$_->{undo} } $anchor->running;
    $mode eq 'kill' ? $_->end('killed') : $_->cancel($grace) for @targets;
    push @{ $anchor->{stops} }, { link => $link, id => $id, targets => \@targets };
    $anchor->advance_endings;
    $anchor->answer_stops;
    return [];
}

sub close_run {
    my ( $anchor, $link, $id ) = @_;
    $anchor->finish( sub { $link->tell( $id, 'ok' ); return } );
    return [];
}

1;
