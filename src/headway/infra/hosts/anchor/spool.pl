# The raw output of a run: a file that only grows, so that every offset in it stays true, and that stops growing at a cap.
# Of a command that says more, the first part is kept as it comes; of the rest only the end, in two files that take
# turns, and it is appended once the command is over. Both are cut where no secret is likely to stand: half of one would not be
# masked.
package Headway::Spool;

use strict;

# The end of a line which a command had left open: the mark tells those who read it that the text before was cut off there,
# and that half a secret may stand at its end.
my $CUT = "\0\n";

my $WINDOW = 65_536;    # how much is looked through for a good place to cut

# The end of a line, where the next one does not begin as the lines of base64 and hexadecimal dumps do.
my $SEAM = qr{\n(?=[^\n]{0,7}[^\n\w+/=-])};

sub new {
    my ( $class, $cap ) = @_;
    open my $handle, '>>', 'spool' or die "cannot open the spool: $!\n";
    return bless {
        handle  => $handle,
        cap     => $cap,
        size    => 0,
        room    => int( $cap / 2 ),
        window  => int( $cap / 16 ),
        last    => "\n",
        lost    => 0,
        why     => '',
        said    => {},
        tail    => undef,
        written => 0,
    }, $class;
}

sub size {
    my ($self) = @_;
    return $self->{size};
}

sub write {
    my ( $self, $bytes ) = @_;
    return if $bytes eq '';
    my $before = $self->{last};
    $self->{last} = substr $bytes, -1;
    return $self->write_tail($bytes) if $self->{tail};
    my $cut = $self->head_end( $bytes, $before );
    return $self->append($bytes) if !defined $cut;
    $self->append( substr $bytes, 0, $cut );
    $self->begin_tail( substr( $before . $bytes, $cut, 1 ) eq "\n" ? '' : $CUT );
    return $self->write_tail( substr $bytes, $cut );
}

# Where in what comes next the first part ends: at a seam shortly before there is no more room, else at the end of a
# line, else where the room ends. Undefined where it does not end in it. `before` is the character before it.
sub head_end {
    my ( $self, $bytes, $before ) = @_;
    my $left = $self->{room} - $self->{size};
    return 0 if $left <= 0;
    my $window = $self->{window} < $WINDOW ? $self->{window} : $WINDOW;
    my $early  = $left - $window;
    return if $early > length $bytes;
    my $text = $before . $bytes;
    pos($text) = $early if $early > 0;
    return pos($text) - 1 if $text =~ /$SEAM/g && pos($text) - 1 <= $left;
    my $late = $left - int( $window / 2 );
    my $end  = index $text, "\n", $late > 0 ? $late : 0;
    return $end if $end >= 0 && $end <= $left;
    return length $bytes > $left ? $left : undef;
}

# Adds a line of Headway's own, once per key, and never in the middle of a command's line.
sub say {
    my ( $self, $key, $text ) = @_;
    return if $self->{said}{$key}++;
    $self->write( ( $self->{last} eq "\n" ? '' : $CUT ) . $text . "\n" );
    return;
}

# A command is over: what was kept of the end of its output follows, and all of it is put on the disk. Gives whether a
# loss, if there was any, could be told. Where it was the last that runs, what comes next begins a line of its own.
sub settle {
    my ( $self, $is_last ) = @_;
    $self->end_tail if $self->{tail};
    $self->mark_loss if $self->{lost};
    $self->end_line  if $is_last && !$self->{lost};
    Headway::Kernel::sync_file( $self->{handle} ) if $self->{written};
    $self->{written} = 0;
    return !$self->{lost};
}

sub end_line {
    my ($self) = @_;
    return if $self->{last} eq "\n";
    $self->append($CUT);
    $self->{last} = "\n" if !$self->{lost};
    return;
}

sub close_handles {
    my ($self) = @_;
    close $self->{handle};
    close $_ for map { $_->{handle} } @{ $self->{tail} ? $self->{tail}{files} : [] };
    return;
}

sub append {
    my ( $self, $bytes ) = @_;
    if ( $self->{lost} && !$self->mark_loss ) {
        $self->{lost} += length $bytes;
        return;
    }
    my $kept = write_all( $self->{handle}, $bytes );
    $self->{size} += $kept;
    $self->{written} = 1;
    return if $kept == length $bytes;
    $self->{why} = "$!";
    $self->{lost} += length($bytes) - $kept;
    return;
}

# Says in the output what could not be kept, as soon as that can be written.
sub mark_loss {
    my ($self) = @_;
    my $mark = $CUT . "[headway: $self->{lost} bytes of output could not be kept: $self->{why}]\n";
    my $kept = write_all( $self->{handle}, $mark );
    $self->{size} += $kept;
    return 0 if $kept < length $mark;
    $self->{lost} = 0;
    $self->{last} = "\n";
    return 1;
}

# Gives how many of the bytes were written; fewer than all when there was an error, which is in $!.
sub write_all {
    my ( $handle, $bytes ) = @_;
    my $done = 0;
    while ( $done < length $bytes ) {
        my $written = syswrite $handle, $bytes, length($bytes) - $done, $done;
        return $done if !defined $written;
        $done += $written;
    }
    return $done;
}

sub begin_tail {
    my ( $self, $line_end ) = @_;
    my $least = int( $self->{cap} / 128 ) + 1;
    my $half  = int( ( $self->{cap} - $self->{size} ) / 2 );
    $half = $least if $half < $least;
    $self->append( "$line_end\[headway: this run has put out more than is kept ($self->{cap} bytes); "
          . "what follows is left out, but for its end]\n" );
    $self->{tail} = { half => $half, left_out => 0, files => [ tail_file(0), tail_file(1) ] };
    return;
}

sub tail_file {
    my ($number) = @_;
    open my $handle, '+>', "tail.$number" or return { handle => undef, size => 0 };
    unlink "tail.$number";    # it is ours alone, and gone with us
    return { handle => $handle, size => 0 };
}

sub write_tail {
    my ( $self, $bytes ) = @_;
    my $tail = $self->{tail};
    while ( length $bytes ) {
        my $piece = substr $bytes, 0, $tail->{half}, '';
        $self->turn_tail if $tail->{files}[1]{size} + length $piece > $tail->{half};
        my $file = $tail->{files}[1];
        my $kept = $file->{handle} ? write_all( $file->{handle}, $piece ) : 0;
        $file->{size} += $kept;
        $tail->{left_out} += length($piece) - $kept;
    }
    return;
}

# How many bytes at the beginning of a file may belong to something of which the beginning is lost.
sub seam_in {
    my ($handle) = @_;
    my $bytes = '';
    sysseek $handle, 0, 0;
    sysread $handle, $bytes, $WINDOW;
    return $bytes =~ /$SEAM/g ? pos $bytes : 1 + index $bytes, "\n";
}

# The older half of what is kept goes, and its file takes what comes next.
sub turn_tail {
    my ($self) = @_;
    my $tail   = $self->{tail};
    my $oldest = shift @{ $tail->{files} };
    $tail->{left_out} += $oldest->{size};
    if ( $oldest->{handle} ) {
        truncate $oldest->{handle}, 0;
        sysseek $oldest->{handle}, 0, 0;
    }
    $oldest->{size} = 0;
    push @{ $tail->{files} }, $oldest;
    return;
}

sub end_tail {
    my ($self) = @_;
    my $tail     = delete $self->{tail};
    my ($first)  = grep { $_->{handle} && $_->{size} } @{ $tail->{files} };
    my $skipped  = $tail->{left_out} && $first ? seam_in( $first->{handle} ) : 0;
    my $left_out = $tail->{left_out} + $skipped;
    my $leads    = "[headway: $left_out bytes are left out here]\n";
    $self->append($leads) if $left_out;
    for my $file ( @{ $tail->{files} } ) {
        next if !$file->{handle};
        sysseek $file->{handle}, $first && $file == $first ? $skipped : 0, 0;
        while ( sysread $file->{handle}, my $bytes, 1 << 20 ) {
            $self->append($bytes);
        }
        close $file->{handle};
    }
    # What later commands say is kept in the same way, in less room.
    $self->{room}   = $self->{size} + int( $self->{cap} / 128 );
    $self->{window} = int( $self->{cap} / 1024 );
    return;
}

1;
