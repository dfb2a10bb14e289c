# One connection to the panel. A message is a frame of fields: lengths are 32 bits, the highest byte first, so that any
# byte may be in a field.
package Headway::Link;

use strict;

my $LONGEST_REQUEST = 128 << 20;
my $LONGEST_QUEUE   = 16 << 20;
my $EAGAIN          = 11;
my $EINTR           = 4;

sub pack_fields {
    return pack '(N/a*)*', @_;
}

sub unpack_fields {
    my ($bytes) = @_;
    return unpack '(N/a*)*', $bytes;
}

sub unblock {
    my ($handle) = @_;
    my ( $get_flags, $set_flags, $nonblock ) = ( 3, 4, 2048 );
    return fcntl $handle, $set_flags, fcntl( $handle, $get_flags, 0 ) | $nonblock;
}

sub new {
    my ( $class, $handle ) = @_;
    unblock($handle);
    return bless { handle => $handle, in => '', out => '', hears_size => 0, told => 0, told_at => 0, waits => [], broken => 0 }, $class;
}

# The requests that have arrived; marks the link as broken when the other side is gone.
sub receive {
    my ($self) = @_;
    my $got = sysread $self->{handle}, $self->{in}, 65_536, length $self->{in};
    if ( !$got ) {
        $self->{broken} = 1 if defined $got || ( $! != $EAGAIN && $! != $EINTR );
        return;
    }
    my @requests;
    while ( length $self->{in} >= 4 ) {
        my $length = unpack 'N', $self->{in};
        if ( $length > $LONGEST_REQUEST ) {
            $self->{broken} = 1;
            last;
        }
        last if length $self->{in} < 4 + $length;
        push @requests, [ unpack_fields( substr $self->{in}, 4, $length ) ];
        substr $self->{in}, 0, 4 + $length, '';
    }
    return @requests;
}

sub tell {
    my ( $self, @fields ) = @_;
    $self->{out} .= pack 'N/a*', pack_fields(@fields);
    $self->{broken} = 1 if length $self->{out} > $LONGEST_QUEUE;
    return $self->flush;
}

sub flush {
    my ($self) = @_;
    while ( length $self->{out} && !$self->{broken} ) {
        my $sent = syswrite $self->{handle}, $self->{out};
        if ( !defined $sent ) {
            $self->{broken} = 1 if $! != $EAGAIN && $! != $EINTR;
            last;
        }
        substr $self->{out}, 0, $sent, '';
    }
    return;
}

# Answers those who wait until the output is longer than they know.
sub tell_growth {
    my ( $self, $size ) = @_;
    my @over = grep { $_->[1] < $size } @{ $self->{waits} } or return;
    $self->{waits} = [ grep { $_->[1] >= $size } @{ $self->{waits} } ];
    $self->tell( $_->[0], 'ok', $size ) for @over;
    return;
}

# To a panel of an earlier release: how long the output is. At once if there was silence before, else at most every
# hundredth of a second. Gives whether something is left to be said.
sub tell_size {
    my ( $self, $size, $now ) = @_;
    return 0 if !$self->{hears_size} || $size == $self->{told} || $self->{broken};
    return 1 if length $self->{out} || $now == $self->{told_at};
    @$self{qw(told told_at)} = ( $size, $now );
    $self->tell( '', 'size', $size );
    return 0;
}

1;
