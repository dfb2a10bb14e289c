# A child of the porter that does what may take long. When it is done it waits for the next question, since a fork takes
# longer than most answers do; it ends with the porter.
package Headway::Hand;

use strict;

my $SHORT = 4096;    # what a pipe takes at once when it is empty, however small it is made

# Starts one with its first question, of any length. The child lets go of what is the porter's by `let_go`, and answers
# by `answer`, which is given the fields of a question and gives those of the answer.
sub start {
    my ( $class, %given ) = @_;
    pipe my $listens, my $asks or die "cannot make a pipe: $!\n";
    pipe my $hears,   my $says or die "cannot make a pipe: $!\n";
    my $pid = fork // die "cannot start a process: $!\n";
    if ( !$pid ) {
        $SIG{PIPE} = 'DEFAULT';
        $given{let_go}->();
        close $_ for $asks, $hears;
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        my $question = delete $given{question};
        while ( defined $question ) {
            my $answer = $given{answer}->( Headway::Link::unpack_fields($question) );
            say_all( $says, pack 'N/a*', Headway::Link::pack_fields(@$answer) );
            $question = heard($listens);
        }
        exit 0;
    }
    close $listens;
    close $says;
    return bless { asks => $asks, hears => $hears, said => '' }, $class;
}

# Whether one that waits has taken a question; only a short one, since nobody waits until it is read.
sub ask {
    my ( $self, $question ) = @_;
    my $bytes = pack 'N/a*', $question;
    return length $bytes <= $SHORT && ( syswrite( $self->{asks}, $bytes ) // 0 ) == length $bytes;
}

# Reads what it says: the fields of its answer once that is whole, undef before; dies where it has.
sub hear {
    my ($self) = @_;
    sysread $self->{hears}, $self->{said}, 262_144, length $self->{said} or die "the process that was to do it died\n";
    return if length $self->{said} < 4 || length $self->{said} < 4 + unpack 'N', $self->{said};
    my @answer = Headway::Link::unpack_fields( substr $self->{said}, 4 );
    $self->{said} = '';
    return \@answer;
}

sub let_go {
    my ($self) = @_;
    close $_ for $self->{asks}, $self->{hears};
    return;
}

sub heard {
    my ($listens) = @_;
    my $bytes = '';
    while ( length $bytes < 4 || length $bytes < 4 + unpack 'N', $bytes ) {
        sysread $listens, $bytes, $SHORT, length $bytes or return;
    }
    return substr $bytes, 4;
}

sub say_all {
    my ( $says, $bytes ) = @_;
    my $at = 0;
    while ( $at < length $bytes ) {
        $at += syswrite( $says, $bytes, length($bytes) - $at, $at ) // exit 1;
    }
    return;
}

1;
